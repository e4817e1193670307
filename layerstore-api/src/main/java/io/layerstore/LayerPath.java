package io.layerstore;

import java.util.ArrayList;
import java.util.List;

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
    int start = 0;
    while (true) {
      int end = bytes.indexOf(SLASH, start);
      int stop = end < 0 ? bytes.length() : end;
      if (!isName(bytes, start, stop)) {
        throw new IllegalArgumentException("not a normalised layer path: \"" + bytes + "\"");
      }
      if (end < 0) {
        return new LayerPath(bytes);
      }
      start = end + 1;
    }
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
    int length = stop - start;
    if (length == 0
        || (length == 1 && bytes.at(start) == '.')
        || (length == 2 && bytes.at(start) == '.' && bytes.at(start + 1) == '.')) {
      return false;
    }
    for (int i = start; i < stop; i++) {
      if (bytes.at(i) == 0 || bytes.at(i) == SLASH) {
        return false;
      }
    }
    return true;
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
      int end = bytes.indexOf(SLASH, start);
      int stop = end < 0 ? bytes.length() : end;
      names.add(bytes.substring(start, stop));
      start = stop + 1;
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
