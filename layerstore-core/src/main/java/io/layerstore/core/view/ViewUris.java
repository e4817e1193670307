package io.layerstore.core.view;

import io.layerstore.ByteString;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The file systems that are open, and the URIs of their files: {@code layerstore:KEY!/path}. The
 * key of one that was opened by URI is the URI of what it shows, of another it is a number.
 */
final class ViewUris {

  private static final HexFormat HEX = HexFormat.of().withUpperCase();
  private static final String LITERAL = "/-_.~";

  private static final AtomicLong NUMBERS = new AtomicLong();
  private static final Map<String, ViewFileSystem> OPEN = new ConcurrentHashMap<>();
  private static final Map<ViewFileSystem, String> NAMED = new ConcurrentHashMap<>();

  private ViewUris() {}

  /** Adds a file system; returns its key. */
  static String register(ViewFileSystem fileSystem) {
    String key = "open-" + NUMBERS.incrementAndGet();
    OPEN.put(key, fileSystem);
    return key;
  }

  /**
   * Gives a file system the key by which it was opened.
   *
   * @throws FileSystemAlreadyExistsException if another one has it
   */
  static void name(ViewFileSystem fileSystem, String key) {
    if (OPEN.putIfAbsent(key, fileSystem) != null) {
      throw new FileSystemAlreadyExistsException(key);
    }
    NAMED.put(fileSystem, key);
  }

  static boolean isOpen(String key) {
    return OPEN.containsKey(key);
  }

  static void forget(ViewFileSystem fileSystem) {
    OPEN.remove(fileSystem.key());
    String name = NAMED.remove(fileSystem);
    if (name != null) {
      OPEN.remove(name);
    }
  }

  static URI of(ViewFileSystem fileSystem, byte[] path) {
    String key = NAMED.getOrDefault(fileSystem, fileSystem.key());
    StringBuilder text = new StringBuilder(ViewProvider.SCHEME).append(':').append(key).append('!');
    for (byte b : path) {
      boolean isLiteral =
          (b >= '0' && b <= '9')
              || (b >= 'a' && b <= 'z')
              || (b >= 'A' && b <= 'Z')
              || (b > 0 && LITERAL.indexOf(b) >= 0);
      if (isLiteral) {
        text.append((char) b);
      } else {
        text.append('%').append(HEX.toHexDigits(b));
      }
    }
    return URI.create(text.toString());
  }

  /** The key in a URI. */
  static String key(URI uri) {
    if (!ViewProvider.SCHEME.equalsIgnoreCase(uri.getScheme())) {
      throw new IllegalArgumentException("not a URI of " + ViewProvider.SCHEME + ": " + uri);
    }
    String rest = uri.getRawSchemeSpecificPart();
    int mark = rest.lastIndexOf("!/");
    return mark < 0 ? rest : rest.substring(0, mark);
  }

  static ViewFileSystem find(URI uri) {
    ViewFileSystem found = OPEN.get(key(uri));
    if (found == null) {
      throw new FileSystemNotFoundException(
          "not open: " + uri + "; FileSystems.newFileSystem opens it");
    }
    return found;
  }

  static Path path(URI uri) {
    ViewFileSystem fileSystem = find(uri);
    String rest = uri.getRawSchemeSpecificPart();
    int mark = rest.lastIndexOf("!/");
    if (mark < 0) {
      throw new IllegalArgumentException("no path after \"!\" in " + uri);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    String text = rest.substring(mark + 1);
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) == '%') {
        bytes.write(HexFormat.fromHexDigits(text, i + 1, i + 3));
        i += 2;
      } else {
        bytes.writeBytes(ByteString.utf8(text.substring(i, i + 1)).toByteArray());
      }
    }
    return ViewPath.of(fileSystem, bytes.toByteArray());
  }
}
