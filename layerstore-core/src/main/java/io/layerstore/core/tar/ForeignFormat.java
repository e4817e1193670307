package io.layerstore.core.tar;

import com.google.common.collect.ImmutableList;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/**
 * What people give in place of a tar, told by how it begins: the page that a server sent instead of
 * the file, a package of another kind, an archive that was compressed twice. Only for messages;
 * what is an archive is found out by reading it.
 */
public enum ForeignFormat {
  /** A Git LFS pointer, which stands for a large file that was not fetched. */
  GIT_LFS_POINTER(
      true,
      "a Git LFS pointer; fetch the file itself with git lfs pull",
      "version https://git-lfs."),
  /** An HTML page. */
  HTML(
      true,
      "an HTML page, such as a server sends in place of a file",
      "<!doctype html",
      "<html",
      "<head",
      "<body"),
  /** An XML document. */
  XML(true, "an XML document", "<?xml", "<error"),
  /** A JSON document. */
  JSON(true, "a JSON document", "{", "["),
  /** A key, certificate or signature in text form. */
  PEM(true, "a key, certificate or signature (PEM)", "-----begin "),
  /** A script. */
  SCRIPT(true, "a script", "#!"),
  /** A zip file, or what is packed as one. */
  ZIP(false, "a zip file", "PK\3\4", "PK\5\6", "PK\7\10"),
  /** A 7z archive. */
  SEVEN_ZIP(false, "a 7z archive", "7z\u00bc\u00af\47\34"),
  /** A RAR archive. */
  RAR(false, "a RAR archive", "Rar!\32\7"),
  /** A cpio archive. */
  CPIO(false, "a cpio archive", "070701", "070702", "070707", "\u00c7\161", "\161\u00c7"),
  /** A Debian package. */
  DEB(false, "a Debian package", "!<arch>\ndebian"),
  /** Any other ar archive. */
  AR(false, "an ar archive", "!<arch>\n"),
  /** An RPM package. */
  RPM(false, "an RPM package", "\u00ed\u00ab\u00ee\u00db"),
  /** A SquashFS file system. */
  SQUASHFS(false, "a SquashFS file system", "hsqs", "sqsh"),
  /** A disk image. */
  QCOW(false, "a disk image of a virtual machine (QCOW)", "QFI\u00fb"),
  /** A program or library. */
  ELF(false, "a program or library (ELF)", "\177ELF"),
  /** A program for Windows. */
  PE(false, "a program for Windows", "MZ"),
  /** A PDF document. */
  PDF(false, "a PDF document", "%PDF-"),
  /** A SQLite database. */
  SQLITE(false, "a SQLite database", "SQLite format 3\0"),
  /** gzip, where all compression has been undone. */
  GZIP(false, "gzip data: it was compressed more than once", "\37\u008b"),
  /** bzip2 likewise. */
  BZIP2(false, "bzip2 data: it was compressed more than once", "BZh"),
  /** xz likewise. */
  XZ(false, "xz data: it was compressed more than once", "\u00fd7zXZ\0"),
  /** Zstandard likewise. */
  ZSTD(false, "zstd data: it was compressed more than once", "\50\u00b5\57\u00fd"),
  /** LZ4, which neither this library nor Docker unpacks. */
  LZ4(false, "LZ4 data, which has to be unpacked first", "\4\42\115\30"),
  /** lzip likewise. */
  LZIP(false, "lzip data, which has to be unpacked first", "LZIP"),
  /** lzop likewise. */
  LZOP(false, "lzop data, which has to be unpacked first", "\u0089LZO"),
  /** LZMA without a container, likewise. */
  LZMA(false, "LZMA data, which has to be unpacked first", "\135\0\0"),
  /** The old Unix compress, likewise. */
  COMPRESS(false, "data of compress (.Z), which has to be unpacked first", "\37\u009d"),
  /** Text of no kind that is known here. */
  TEXT(true, "plain text", "");

  /** How much of the beginning {@link #detect} looks at, in bytes. */
  public static final int START_BYTES = 512;

  private static final String BYTE_ORDER_MARK = "\u00ef\u00bb\u00bf";

  private final boolean isText;
  private final String description;
  private final ImmutableList<String> starts;

  /**
   * @param isText whether everything is text, of which white space at the start and the case do not
   *     count
   * @param starts how it may begin, a character for a byte
   */
  ForeignFormat(boolean isText, String description, String... starts) {
    this.isText = isText;
    this.description = description;
    this.starts = ImmutableList.copyOf(starts);
  }

  /** What it is, with its article and perhaps what to do; fits the end of a sentence. */
  public String description() {
    return description;
  }

  /**
   * What the first {@code length} bytes of {@code start} are the beginning of; empty if it is
   * nothing that is known here. Only for what is no tar: any of this can be the name of a member.
   */
  public static Optional<ForeignFormat> detect(byte[] start, int length) {
    int used = Math.min(length, START_BYTES);
    String bytes = new String(start, 0, used, StandardCharsets.ISO_8859_1);
    String text = isText(bytes) ? textOf(bytes) : "";
    for (ForeignFormat format : values()) {
      if (format.isText ? format.fits(text) : format.fits(bytes)) {
        return Optional.of(format);
      }
    }
    return Optional.empty();
  }

  private boolean fits(String bytes) {
    return !bytes.isEmpty() && starts.stream().anyMatch(bytes::startsWith);
  }

  private static String textOf(String bytes) {
    String text = bytes.startsWith(BYTE_ORDER_MARK) ? bytes.substring(3) : bytes;
    return text.stripLeading().toLowerCase(Locale.ROOT);
  }

  /** Whether there is no control character; any encoding that contains ASCII will do. */
  private static boolean isText(String bytes) {
    return bytes.chars().allMatch(c -> c >= ' ' ? c != 0x7f : c >= '\t' && c <= '\r');
  }
}
