package io.layerstore.core.tarsplit;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import org.jspecify.annotations.Nullable;

/** What the names of file entries mean: paths inside the layer, whatever they begin with. */
final class EntryNames {

  private EntryNames() {}

  /**
   * The path that {@code name} means, or null if it climbs above the root or holds a NUL.
   *
   * <p>Leading, trailing and repeated slashes and {@code .} do not count, {@code ..} takes back the
   * name before it.
   */
  static @Nullable LayerPath toPath(ByteString name) {
    byte[] path = new byte[name.length()];
    int length = 0;
    int start = 0;
    while (start <= name.length()) {
      int slash = name.indexOf((byte) '/', start);
      int end = slash < 0 ? name.length() : slash;
      if (isDots(name, start, end, 2)) {
        if (length == 0) {
          return null;
        }
        length = parentLength(path, length);
      } else if (end > start && !isDots(name, start, end, 1)) {
        if (length > 0) {
          path[length++] = '/';
        }
        for (int i = start; i < end; i++) {
          byte b = name.at(i);
          if (b == 0) {
            return null;
          }
          path[length++] = b;
        }
      }
      start = end + 1;
    }
    return LayerPath.of(ByteString.of(path, 0, length));
  }

  private static boolean isDots(ByteString name, int start, int end, int dots) {
    if (end - start != dots) {
      return false;
    }
    for (int i = start; i < end; i++) {
      if (name.at(i) != '.') {
        return false;
      }
    }
    return true;
  }

  private static int parentLength(byte[] path, int length) {
    int at = length;
    while (at > 0 && path[at - 1] != '/') {
      at--;
    }
    return Math.max(0, at - 1);
  }
}
