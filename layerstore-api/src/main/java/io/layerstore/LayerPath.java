package io.layerstore;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The place of a file inside a layer: zero or more names, relative to the layer's root.
 *
 * <p>Always normalised: no leading or trailing slash, no empty name, no {@code .} or {@code ..}, no
 * NUL. So a path can never lead out of the layer by its text; links on the way are the business of
 * whoever opens it. The root itself is {@link #ROOT}. Ordering is by unsigned byte over the whole
 * text, so {@code a-b} sorts before {@code a/b}. Immutable; safe for use by many threads.
 */
public final class LayerPath implements Comparable<LayerPath> {

  /** The root directory of a layer. */
  public static final LayerPath ROOT = new LayerPath(ByteString.EMPTY);

  private static final byte SLASH = '/';

  private final ByteString bytes;

  private LayerPath(ByteString bytes) {
    this.bytes = bytes;
  }

  /**
   * The path with exactly these bytes.
   *
   * @throws IllegalArgumentException if {@code bytes} is not in normalised form
   */
  public static LayerPath of(ByteString bytes) {
    if (bytes.isEmpty()) {
      return ROOT;
    }
    if (!isNormalised(bytes)) {
      throw new IllegalArgumentException("not a normalised layer path: \"" + bytes + "\"");
    }
    return new LayerPath(bytes);
  }

  private static boolean isNormalised(ByteString bytes) {
    int end = -1;
    do {
      int start = end + 1;
      end = endOfName(bytes, start);
      if (!isName(bytes, start, end)) {
        return false;
      }
    } while (end < bytes.length());
    return true;
  }

  private static int endOfName(ByteString bytes, int start) {
    int slash = bytes.indexOf(SLASH, start);
    return slash < 0 ? bytes.length() : slash;
  }

  /**
   * The path that a name in an archive stands for: slashes at both ends, empty names and {@code .}
   * do not count, and {@code ..} takes back the name before it.
   *
   * @return empty if {@code name} leads above the root, or has a NUL
   */
  public static Optional<LayerPath> normalise(ByteString name) {
    if (isNormalised(name)) {
      return Optional.of(new LayerPath(name));
    }
    byte[] path = new byte[name.length()];
    int length = 0;
    int end;
    for (int start = 0; start < name.length(); start = end + 1) {
      end = endOfName(name, start);
      if (isName(name, start, end)) {
        if (length > 0) {
          path[length++] = SLASH;
        }
        name.substring(start, end).copyTo(path, length);
        length += end - start;
      } else if (isDots(name, start, end, 2)) {
        if (length == 0) {
          return Optional.empty();
        }
        do {
          length--;
        } while (length > 0 && path[length] != SLASH);
      } else if (end > start && !isDots(name, start, end, 1)) {
        return Optional.empty();
      }
    }
    return Optional.of(length == 0 ? ROOT : new LayerPath(ByteString.of(path, 0, length)));
  }

  /**
   * The path with the UTF-8 encoding of {@code text}.
   *
   * @throws IllegalArgumentException if {@code text} is not in normalised form
   */
  public static LayerPath of(String text) {
    return of(ByteString.utf8(text));
  }

  /**
   * Whether the bytes from {@code start} to {@code stop} can be one name: not empty, no dots alone,
   * no NUL or slash.
   */
  private static boolean isName(ByteString bytes, int start, int stop) {
    if (stop == start || isDots(bytes, start, stop, 1) || isDots(bytes, start, stop, 2)) {
      return false;
    }
    for (int i = start; i < stop; i++) {
      if (bytes.at(i) == 0 || bytes.at(i) == SLASH) {
        return false;
      }
    }
    return true;
  }

  private static boolean isDots(ByteString bytes, int start, int end, int dots) {
    return end - start == dots && bytes.at(start) == '.' && bytes.at(end - 1) == '.';
  }

  /** Whether this is the root of the layer. */
  public boolean isRoot() {
    return bytes.isEmpty();
  }

  /** The bytes, names joined by {@code /}; empty for the root. */
  public ByteString bytes() {
    return bytes;
  }

  /** The last name; empty for the root. */
  public ByteString name() {
    return bytes.substring(bytes.lastIndexOf(SLASH) + 1);
  }

  /**
   * The directory this is in.
   *
   * @throws IllegalStateException if this is the root
   */
  public LayerPath parent() {
    if (isRoot()) {
      throw new IllegalStateException("the root of a layer has no parent");
    }
    int slash = bytes.lastIndexOf(SLASH);
    return slash < 0 ? ROOT : new LayerPath(bytes.substring(0, slash));
  }

  /**
   * The entry called {@code name} in this directory.
   *
   * @throws IllegalArgumentException if {@code name} is not one plain name
   */
  public LayerPath resolve(ByteString name) {
    if (!isName(name, 0, name.length())) {
      throw new IllegalArgumentException("not a file name: \"" + name + "\"");
    }
    return isRoot()
        ? new LayerPath(name)
        : new LayerPath(bytes.concat(Separator.BYTES).concat(name));
  }

  /** The path {@code other} below this one. */
  public LayerPath resolve(LayerPath other) {
    if (isRoot()) {
      return other;
    }
    return other.isRoot() ? this : new LayerPath(bytes.concat(Separator.BYTES).concat(other.bytes));
  }

  /** The number of names; 0 for the root. */
  public int depth() {
    if (isRoot()) {
      return 0;
    }
    int depth = 1;
    for (int i = bytes.indexOf(SLASH); i >= 0; i = bytes.indexOf(SLASH, i + 1)) {
      depth++;
    }
    return depth;
  }

  /** The names from the root down. */
  public List<ByteString> names() {
    List<ByteString> names = new ArrayList<>();
    int start = 0;
    while (start < bytes.length()) {
      int end = endOfName(bytes, start);
      names.add(bytes.substring(start, end));
      start = end + 1;
    }
    return names;
  }

  /** Whether this is {@code other} or below it. */
  public boolean startsWith(LayerPath other) {
    return other.isRoot()
        || (bytes.startsWith(other.bytes)
            && (bytes.length() == other.bytes.length() || bytes.at(other.bytes.length()) == SLASH));
  }

  /** Compares the whole text by unsigned byte. */
  @Override
  public int compareTo(LayerPath other) {
    return bytes.compareTo(other.bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LayerPath that && bytes.equals(that.bytes);
  }

  @Override
  public int hashCode() {
    return bytes.hashCode();
  }

  /** The path as printable text, without a leading slash; see {@link ByteString#toString()}. */
  @Override
  public String toString() {
    return bytes.toString();
  }

  /** Holds the separator, so that {@link #ROOT} does not depend on the order of static fields. */
  private static final class Separator {
    static final ByteString BYTES = ByteString.utf8("/");
  }
}
