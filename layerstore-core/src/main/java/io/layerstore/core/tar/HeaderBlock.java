package io.layerstore.core.tar;

import io.layerstore.ArchiveException;
import io.layerstore.ByteString;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * One 512-byte header block, read with the tolerance of Go's {@code archive/tar}.
 *
 * <pre>
 * offset 0    name[100] mode[8] uid[8] gid[8] size[12] mtime[12] chksum[8] typeflag linkname[100]
 * offset 257  magic[6] version[2] uname[32] gname[32] devmajor[8] devminor[8]      all but v7
 * offset 345  prefix[155]                                                          ustar
 * offset 345  prefix[131] atime[12] ctime[12] pad[8] "tar\0"                       star
 * offset 345  atime[12] ctime[12] pad[17] sparse[4 x 24] isextended realsize[12]   old GNU
 * </pre>
 *
 * <p>The object is filled again for every header, so it holds nothing that outlives the next one.
 *
 * @see <a href="https://github.com/golang/go/blob/go1.22.0/src/archive/tar/reader.go">archive/tar
 *     of Go 1.22, readHeader</a>
 */
final class HeaderBlock {

  static final int SIZE = 512;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private enum Format {
    V7,
    USTAR,
    STAR,
    GNU
  }

  private final byte[] block = new byte[SIZE];
  private Format format = Format.V7;
  private boolean isNumberInvalid;

  private long size;
  private long mode;
  private long uid;
  private long gid;
  private long modifiedSeconds;
  private long devMajor;
  private long devMinor;
  private boolean hasAccessed;
  private long accessedSeconds;
  private int prefixLength;

  /** The bytes, to be filled before {@link #parse}. */
  byte[] bytes() {
    return block;
  }

  boolean isZero() {
    for (byte b : block) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  /** Reads and checks every field. */
  void parse(EntryPosition position) throws ArchiveException {
    checkChecksum(position);
    format = detectFormat();
    size = number(124, 12, "size", position);
    mode = number(100, 8, "mode", position);
    uid = number(108, 8, "uid", position);
    gid = number(116, 8, "gid", position);
    modifiedSeconds = number(136, 12, "mtime", position);
    devMajor = 0;
    devMinor = 0;
    hasAccessed = false;
    prefixLength = 0;
    if (format != Format.V7) {
      devMajor = number(329, 8, "devmajor", position);
      devMinor = number(337, 8, "devminor", position);
    }
    switch (format) {
      case V7 -> {}
      case USTAR -> prefixLength = stringLength(345, 155);
      case STAR -> {
        prefixLength = stringLength(345, 131);
        accessedSeconds = number(476, 12, "atime", position);
        hasAccessed = true;
        number(488, 12, "ctime", position);
      }
      case GNU -> parseGnuTimes();
    }
  }

  /**
   * Writers made with Go before 1.8 put a prefix where this format has times; such a prefix is
   * taken for what it is if it cannot be a time.
   *
   * @see <a href="https://github.com/golang/go/issues/12594">golang/go#12594</a>
   */
  private void parseGnuTimes() {
    isNumberInvalid = false;
    if (block[345] != 0) {
      accessedSeconds = number(345, 12);
      hasAccessed = true;
    }
    if (block[357] != 0) {
      number(357, 12);
    }
    if (isNumberInvalid) {
      hasAccessed = false;
      int length = stringLength(345, 155);
      prefixLength = isAscii(345, length) ? length : 0;
    }
  }

  /** Eight bytes at a time, because this is most of the work on a header. */
  private void checkChecksum(EntryPosition position) throws ArchiveException {
    long pairs = 0; // four sums of 16 bits each, which 64 times two bytes cannot overflow
    int negative = 0;
    for (int i = 0; i < SIZE; i += Long.BYTES) {
      long eight = (long) LONGS.get(block, i);
      pairs += (eight & 0x00ff00ff00ff00ffL) + (eight >>> 8 & 0x00ff00ff00ff00ffL);
      negative += Long.bitCount(eight & 0x8080808080808080L);
    }
    long unsigned =
        (pairs & 0xffff) + (pairs >>> 16 & 0xffff) + (pairs >>> 32 & 0xffff) + (pairs >>> 48);
    for (int i = 148; i < 156; i++) {
      unsigned += ' ' - (block[i] & 0xff);
      negative -= block[i] < 0 ? 1 : 0;
    }
    // Some historic writers added up signed bytes, in which these count 256 less.
    long signed = unsigned - 256L * negative;
    isNumberInvalid = false;
    long stored = octal(148, 8);
    if (isNumberInvalid || (stored != unsigned && stored != signed)) {
      throw position.malformed("invalid tar header: wrong checksum");
    }
  }

  private Format detectFormat() {
    if (hasText(257, "ustar\0")) {
      return hasText(508, "tar\0") ? Format.STAR : Format.USTAR;
    }
    return hasText(257, "ustar  \0") ? Format.GNU : Format.V7;
  }

  /** Whether it says itself that it is a header, right or damaged; those of v7 do not. */
  boolean hasMagic() {
    return detectFormat() != Format.V7;
  }

  int typeFlag() {
    return block[156] & 0xff;
  }

  long size() {
    return size;
  }

  long mode() {
    return mode;
  }

  long uid() {
    return uid;
  }

  long gid() {
    return gid;
  }

  long modifiedSeconds() {
    return modifiedSeconds;
  }

  long devMajor() {
    return devMajor;
  }

  long devMinor() {
    return devMinor;
  }

  boolean hasAccessed() {
    return hasAccessed;
  }

  long accessedSeconds() {
    return accessedSeconds;
  }

  /** Whether it has the magic of ustar, which PAX headers and those of star have too. */
  boolean isUstar() {
    return format == Format.USTAR || format == Format.STAR;
  }

  boolean isGnu() {
    return format == Format.GNU;
  }

  /** The name, with the prefix where the format has one. */
  ByteString name() {
    int length = stringLength(0, 100);
    if (prefixLength == 0) {
      return ByteString.of(block, 0, length);
    }
    byte[] joined = new byte[prefixLength + 1 + length];
    System.arraycopy(block, 345, joined, 0, prefixLength);
    joined[prefixLength] = '/';
    System.arraycopy(block, 0, joined, prefixLength + 1, length);
    return ByteString.of(joined);
  }

  ByteString linkName() {
    return ByteString.of(block, 157, stringLength(157, 100));
  }

  /** The logical size of an old GNU sparse file. */
  long sparseRealSize(EntryPosition position) throws ArchiveException {
    return number(483, 12, "realsize", position);
  }

  /**
   * Adds the entries of an old GNU sparse map that stand in this block.
   *
   * @param offset where the map begins: 386 in a header with 4 entries, 0 in an extension block
   *     with 21
   * @return whether an extension block follows
   */
  boolean readSparseEntries(int offset, int count, SparseMap map, EntryPosition position)
      throws ArchiveException {
    for (int i = 0; i < count; i++) {
      int at = offset + 24 * i;
      if (block[at] == 0) {
        break;
      }
      map.add(
          number(at, 12, "sparse offset", position),
          number(at + 12, 12, "sparse length", position));
    }
    return block[offset + 24 * count] != 0;
  }

  private long number(int offset, int width, String field, EntryPosition position)
      throws ArchiveException {
    isNumberInvalid = false;
    long value = number(offset, width);
    if (isNumberInvalid) {
      throw position.malformed("invalid tar header: the field " + field + " is not a number");
    }
    return value;
  }

  private long number(int offset, int width) {
    return block[offset] < 0 ? base256(offset, width) : octal(offset, width);
  }

  /** A two's complement number in the bits after the first, which marks the form. */
  private long base256(int offset, int width) {
    int inversion = (block[offset] & 0x40) != 0 ? 0xff : 0;
    long value = 0;
    for (int i = 0; i < width; i++) {
      int b = (block[offset + i] & 0xff) ^ inversion;
      if (i == 0) {
        b &= 0x7f;
      }
      if (value >>> 56 != 0) {
        isNumberInvalid = true;
        return 0;
      }
      value = value << 8 | b;
    }
    if (value < 0) {
      isNumberInvalid = true;
      return 0;
    }
    return inversion == 0 ? value : ~value;
  }

  /**
   * Octal digits, with NULs and spaces on both sides; what follows a NUL among the digits is
   * ignored.
   */
  private long octal(int offset, int width) {
    int from = offset;
    int to = offset + width;
    while (from < to && isPadding(block[from])) {
      from++;
    }
    while (from < to && isPadding(block[to - 1])) {
      to--;
    }
    long value = 0;
    for (int i = from; i < to && block[i] != 0; i++) {
      int digit = block[i] - '0';
      if (digit < 0 || digit > 7) {
        isNumberInvalid = true;
        return 0;
      }
      value = value << 3 | digit;
    }
    return value;
  }

  private static boolean isPadding(byte b) {
    return b == 0 || b == ' ';
  }

  private int stringLength(int offset, int width) {
    for (int i = 0; i < width; i++) {
      if (block[offset + i] == 0) {
        return i;
      }
    }
    return width;
  }

  private boolean isAscii(int offset, int length) {
    for (int i = offset; i < offset + length; i++) {
      if (block[i] < 0) {
        return false;
      }
    }
    return true;
  }

  private boolean hasText(int offset, String text) {
    for (int i = 0; i < text.length(); i++) {
      if (block[offset + i] != text.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
