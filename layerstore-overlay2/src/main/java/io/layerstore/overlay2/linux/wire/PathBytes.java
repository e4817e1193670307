package io.layerstore.overlay2.linux.wire;

import io.layerstore.ByteString;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The bytes of a path as the kernel knows it.
 *
 * <p>Its text would not do: it is decoded with a charset that cannot express every name. The URI of
 * a path has every byte that is not plain ASCII as a percent escape.
 */
public final class PathBytes {

  private PathBytes() {}

  /** The bytes of the absolute form of {@code path}, which is on the default file system. */
  public static ByteString of(Path path) {
    byte[] escaped = path.toAbsolutePath().toUri().getRawPath().getBytes(StandardCharsets.US_ASCII);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(escaped.length);
    for (int i = 0; i < escaped.length; i++) {
      if (escaped[i] == '%') {
        bytes.write(Character.digit(escaped[i + 1], 16) << 4 | Character.digit(escaped[i + 2], 16));
        i += 2;
      } else {
        bytes.write(escaped[i]);
      }
    }
    ByteString all = ByteString.of(bytes.toByteArray());
    // The URI of a directory ends in a slash.
    boolean hasSlash = all.length() > 1 && all.at(all.length() - 1) == '/';
    return hasSlash ? all.substring(0, all.length() - 1) : all;
  }
}
