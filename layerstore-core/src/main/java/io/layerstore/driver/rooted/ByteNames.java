package io.layerstore.driver.rooted;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Turns names that are bytes into paths of a file system and back, without loss.
 *
 * <p>On the default file system of a Unix, a {@link Path} is bytes inside, but made from a {@link
 * String} it goes through the charset of the platform, which under {@code LANG=C} has ASCII only. A
 * {@code file:} URI with percent-encoded bytes does not, so names that are not plain ASCII take
 * that way. Elsewhere paths are characters: well-formed UTF-8 becomes the text it encodes, and each
 * byte that is no part of a character one of the unpaired surrogates U+DC80 to U+DCFF.
 *
 * <p>Immutable; safe for use by many threads.
 */
public final class ByteNames {

  /** Below a file, so that asking for the URI of a path never finds a directory there. */
  private static final String NOWHERE = "/dev/null/";

  private static final char FIRST_ESCAPE = '\udc00';
  private static final HexFormat HEX = HexFormat.of();

  private final FileSystem fileSystem;
  private final boolean isWindows;
  private final boolean hasByteNames;

  public ByteNames(FileSystem fileSystem) {
    this.fileSystem = fileSystem;
    this.isWindows = fileSystem.getSeparator().equals("\\");
    this.hasByteNames = !isWindows && fileSystem.equals(FileSystems.getDefault());
  }

  /** Whether the file system is of the kind of Windows. */
  public boolean isWindows() {
    return isWindows;
  }

  /** The directory itself, as a relative path. */
  public Path dot() {
    return fileSystem.getPath(".");
  }

  /**
   * The relative path of one name.
   *
   * @throws ArchiveException if the file system has no such name
   */
  public Path toPath(ByteString name) throws ArchiveException {
    try {
      Path path = parse(name);
      if (path.isAbsolute() || path.getRoot() != null || path.getNameCount() != 1) {
        throw unsupported(name, null);
      }
      return path;
    } catch (InvalidPathException e) {
      throw unsupported(name, e);
    }
  }

  /** The bytes of the last name of {@code path}. */
  public ByteString fromPath(Path path) {
    Path name = path.getFileName();
    return name == null ? ByteString.EMPTY : print(name);
  }

  /**
   * The path that is {@code text} as the target of a symbolic link, as near as a path comes to it;
   * null if no path does.
   */
  public @Nullable Path toLinkTarget(ByteString text) {
    try {
      return parse(text);
    } catch (InvalidPathException e) {
      return null;
    }
  }

  /** The text of a symbolic link's target. */
  public ByteString fromLinkTarget(Path target) {
    return print(target);
  }

  private Path parse(ByteString bytes) {
    if (!hasByteNames || isPlain(bytes)) {
      return fileSystem.getPath(decode(bytes));
    }
    boolean isAbsolute = bytes.at(0) == '/';
    Path absolute = Path.of(URI.create((isAbsolute ? "file://" : "file:///") + encode(bytes)));
    return isAbsolute ? absolute : absolute.subpath(0, absolute.getNameCount());
  }

  private ByteString print(Path path) {
    String text = path.toString();
    if (!hasByteNames) {
      return escape(isWindows ? text.replace('\\', '/') : text);
    }
    if (isPlain(text)) {
      return ByteString.utf8(text);
    }
    // An absolute path is asked for below a file as well: its names, seen from there.
    boolean isAbsolute = path.isAbsolute();
    Path relative = isAbsolute ? path.subpath(0, path.getNameCount()) : path;
    String encoded = Path.of(NOWHERE).resolve(relative).toUri().getRawPath();
    return percentDecode(encoded.substring(NOWHERE.length() - (isAbsolute ? 1 : 0)));
  }

  /** Whether every charset a platform may have reads these bytes as the same characters. */
  private static boolean isPlain(ByteString bytes) {
    for (int i = 0; i < bytes.length(); i++) {
      if (bytes.at(i) < 0x20 || bytes.at(i) == 0x7f) {
        return false;
      }
    }
    return true;
  }

  private static boolean isPlain(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < 0x20 || text.charAt(i) >= 0x7f) {
        return false;
      }
    }
    return true;
  }

  private static String encode(ByteString bytes) {
    StringBuilder text = new StringBuilder(bytes.length() * 3);
    for (int i = 0; i < bytes.length(); i++) {
      byte b = bytes.at(i);
      boolean isLiteral =
          b == '/' || (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
      if (isLiteral) {
        text.append((char) b);
      } else {
        text.append('%').append(HEX.toHexDigits(b));
      }
    }
    return text.toString();
  }

  private static ByteString percentDecode(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '%') {
        bytes.write(HexFormat.fromHexDigits(text, i + 1, i + 3));
        i += 2;
      } else {
        bytes.write(c);
      }
    }
    return ByteString.of(bytes.toByteArray());
  }

  /** Text with bytes that are no character as unpaired surrogates. */
  public static String decode(ByteString bytes) {
    String text = bytes.decodeUtf8().orElse(null);
    if (text != null) {
      return text;
    }
    StringBuilder decoded = new StringBuilder(bytes.length());
    int i = 0;
    while (i < bytes.length()) {
      int length = characterLength(bytes, i);
      if (length == 0) {
        decoded.append((char) (FIRST_ESCAPE + (bytes.at(i) & 0xff)));
        i++;
      } else {
        decoded.append(bytes.substring(i, i + length).decodeUtf8().orElseThrow());
        i += length;
      }
    }
    return decoded.toString();
  }

  private static int characterLength(ByteString bytes, int from) {
    for (int length = 1; length <= 4 && from + length <= bytes.length(); length++) {
      if (bytes.substring(from, from + length).decodeUtf8().isPresent()) {
        return length;
      }
    }
    return 0;
  }

  /** The inverse of {@link #decode}. */
  public static ByteString escape(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
    int i = 0;
    while (i < text.length()) {
      int codePoint = text.codePointAt(i);
      i += Character.charCount(codePoint);
      if (codePoint >= FIRST_ESCAPE + 0x80 && codePoint <= FIRST_ESCAPE + 0xff) {
        bytes.write(codePoint - FIRST_ESCAPE);
      } else {
        bytes.writeBytes(Character.toString(codePoint).getBytes(StandardCharsets.UTF_8));
      }
    }
    return ByteString.of(bytes.toByteArray());
  }

  private static ArchiveException unsupported(ByteString name, @Nullable Exception cause) {
    return new ArchiveException(
        Kind.UNSUPPORTED_ENTRY, "the file system cannot store the name \"" + name + "\"", cause);
  }
}
