package io.layerstore.core.view;

import io.layerstore.ByteString;
import io.layerstore.driver.rooted.ByteNames;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A path of names that are bytes. As text, a byte that is no part of a character is one of the
 * unpaired surrogates U+DC80 to U+DCFF.
 */
final class ViewPath implements Path {

  private static final byte SLASH = '/';

  private final ViewFileSystem fileSystem;

  /** Names joined by single slashes, one before them if it is absolute; none for the empty path. */
  private final byte[] bytes;

  /** The node that it leads to if links are not followed in the last name, plus 1; 0 if unknown. */
  private final int known;

  /** Where that is known. */
  private final @Nullable Shown shown;

  /** Where the names begin; made when they are needed. */
  private volatile int @Nullable [] starts;

  ViewPath(ViewFileSystem fileSystem, byte[] bytes) {
    this(fileSystem, bytes, 0, null);
  }

  private ViewPath(ViewFileSystem fileSystem, byte[] bytes, int known, @Nullable Shown shown) {
    this.fileSystem = fileSystem;
    this.bytes = bytes;
    this.known = known;
    this.shown = shown;
  }

  /** The path of these bytes, with any number of slashes between and after the names. */
  static ViewPath of(ViewFileSystem fileSystem, byte[] text) {
    byte[] clean = new byte[text.length];
    int length = 0;
    for (byte b : text) {
      if (b != SLASH || length == 0 || clean[length - 1] != SLASH) {
        clean[length++] = b;
      }
    }
    if (length > 1 && clean[length - 1] == SLASH) {
      length--;
    }
    return new ViewPath(fileSystem, Arrays.copyOf(clean, length));
  }

  /** The entry {@code entry} of this directory. */
  ViewPath child(Shown in, int entry) {
    Index index = in.index();
    int prefix = bytes.length == 0 ? 0 : isRoot() ? 1 : bytes.length + 1;
    byte[] joined = Arrays.copyOf(bytes, prefix + index.nameLength(entry));
    if (prefix > 0) {
      joined[prefix - 1] = SLASH;
    }
    index.copyName(entry, joined, prefix);
    return new ViewPath(fileSystem, joined, index.node(entry) + 1, in);
  }

  /** The node it is known to lead to if links are not followed in the last name, or none. */
  int known() {
    return known - 1;
  }

  /** Where it is known; null if it is not. */
  @Nullable Shown shown() {
    return shown;
  }

  byte[] bytes() {
    return bytes;
  }

  private boolean isRoot() {
    return bytes.length == 1 && bytes[0] == SLASH;
  }

  private int[] starts() {
    int[] found = starts;
    if (found == null) {
      found = findStarts();
      starts = found;
    }
    return found;
  }

  private int[] findStarts() {
    if (isRoot()) {
      return new int[0];
    }
    int[] found = new int[8];
    int count = 0;
    int start = isAbsolute() ? 1 : 0;
    for (int i = start; i <= bytes.length; i++) {
      if (i == bytes.length || bytes[i] == SLASH) {
        found = count == found.length ? Arrays.copyOf(found, 2 * count) : found;
        found[count++] = start;
        start = i + 1;
      }
    }
    return Arrays.copyOf(found, count);
  }

  private int end(int name) {
    int[] all = starts();
    return name + 1 == all.length ? bytes.length : all[name + 1] - 1;
  }

  private ByteString name(int index) {
    int start = starts()[index];
    return ByteString.of(bytes, start, end(index) - start);
  }

  private List<ByteString> names() {
    List<ByteString> names = new ArrayList<>();
    for (int i = 0; i < getNameCount(); i++) {
      names.add(name(i));
    }
    return names;
  }

  private ViewPath join(boolean isAbsolute, List<ByteString> names) {
    int length = isAbsolute ? 1 : 0;
    for (ByteString name : names) {
      length += name.length() + 1;
    }
    byte[] joined = new byte[Math.max(length - (names.isEmpty() ? 0 : 1), 0)];
    int at = 0;
    if (isAbsolute) {
      joined[at++] = SLASH;
    }
    for (int i = 0; i < names.size(); i++) {
      if (i > 0) {
        joined[at++] = SLASH;
      }
      names.get(i).copyTo(joined, at);
      at += names.get(i).length();
    }
    return new ViewPath(fileSystem, joined);
  }

  @Override
  public ViewFileSystem getFileSystem() {
    return fileSystem;
  }

  @Override
  public boolean isAbsolute() {
    return bytes.length > 0 && bytes[0] == SLASH;
  }

  @Override
  public @Nullable Path getRoot() {
    return isAbsolute() ? fileSystem.root() : null;
  }

  @Override
  public @Nullable Path getFileName() {
    int count = getNameCount();
    if (count == 0) {
      return null;
    }
    return count == 1 && !isAbsolute() ? this : part(count - 1, count);
  }

  @Override
  public @Nullable Path getParent() {
    int count = getNameCount();
    if (count == 0) {
      return null;
    }
    if (count == 1) {
      return getRoot();
    }
    return new ViewPath(fileSystem, Arrays.copyOf(bytes, starts()[count - 1] - 1));
  }

  @Override
  public int getNameCount() {
    return starts().length;
  }

  @Override
  public Path getName(int index) {
    return subpath(index, index + 1);
  }

  @Override
  public Path subpath(int beginIndex, int endIndex) {
    if (beginIndex < 0 || endIndex > getNameCount() || beginIndex >= endIndex) {
      throw new IllegalArgumentException(
          "names " + beginIndex + " to " + endIndex + " of " + getNameCount());
    }
    return part(beginIndex, endIndex);
  }

  private ViewPath part(int begin, int end) {
    return new ViewPath(fileSystem, Arrays.copyOfRange(bytes, starts()[begin], end(end - 1)));
  }

  @Override
  public boolean startsWith(Path other) {
    if (!(other instanceof ViewPath that)
        || that.fileSystem != fileSystem
        || that.isAbsolute() != isAbsolute()) {
      return false;
    }
    if (that.isRoot() || that.bytes.length == 0 || bytes.length == 0) {
      return that.isRoot() || that.bytes.length == bytes.length;
    }
    int length = that.bytes.length;
    return bytes.length >= length
        && Arrays.equals(bytes, 0, length, that.bytes, 0, length)
        && (bytes.length == length || bytes[length] == SLASH);
  }

  @Override
  public boolean endsWith(Path other) {
    if (!(other instanceof ViewPath that) || that.fileSystem != fileSystem) {
      return false;
    }
    if (that.isAbsolute() || that.bytes.length == 0 || bytes.length == 0) {
      return equals(that);
    }
    int from = bytes.length - that.bytes.length;
    return from >= 0
        && Arrays.equals(bytes, from, bytes.length, that.bytes, 0, that.bytes.length)
        && (from == 0 || bytes[from - 1] == SLASH);
  }

  @Override
  public Path normalize() {
    List<ByteString> clean = new ArrayList<>();
    for (ByteString name : names()) {
      boolean isUp = isDots(name, 2);
      boolean hasNameBefore = !clean.isEmpty() && !isDots(clean.get(clean.size() - 1), 2);
      if (isUp && hasNameBefore) {
        clean.remove(clean.size() - 1);
      } else if (!isDots(name, 1) && !(isUp && isAbsolute())) {
        clean.add(name);
      }
    }
    return clean.size() == getNameCount() ? this : join(isAbsolute(), clean);
  }

  private static boolean isDots(ByteString name, int count) {
    return name.length() == count && name.at(0) == '.' && name.at(count - 1) == '.';
  }

  @Override
  public Path resolve(Path other) {
    ViewPath that = checked(other);
    if (that.isAbsolute() || bytes.length == 0) {
      return that;
    }
    if (that.bytes.length == 0) {
      return this;
    }
    int prefix = isRoot() ? 1 : bytes.length + 1;
    byte[] joined = Arrays.copyOf(bytes, prefix + that.bytes.length);
    joined[prefix - 1] = SLASH;
    System.arraycopy(that.bytes, 0, joined, prefix, that.bytes.length);
    return new ViewPath(fileSystem, joined);
  }

  @Override
  public Path relativize(Path other) {
    ViewPath that = checked(other);
    if (that.isAbsolute() != isAbsolute()) {
      throw new IllegalArgumentException("one of the paths is absolute: " + this + ", " + other);
    }
    List<ByteString> from = ((ViewPath) normalize()).relativeNames();
    List<ByteString> to = ((ViewPath) that.normalize()).relativeNames();
    int common = 0;
    while (common < from.size() && common < to.size() && from.get(common).equals(to.get(common))) {
      common++;
    }
    List<ByteString> names = new ArrayList<>();
    for (ByteString name : from.subList(common, from.size())) {
      if (isDots(name, 2)) {
        throw new IllegalArgumentException("nobody knows the way from " + this + " to " + other);
      }
      names.add(ByteString.utf8(".."));
    }
    names.addAll(to.subList(common, to.size()));
    return join(false, names);
  }

  /** Its names; none for the empty path. */
  private List<ByteString> relativeNames() {
    return bytes.length == 0 ? List.of() : names();
  }

  /** A path of this file system. */
  private ViewPath checked(Path other) {
    if (!(Objects.requireNonNull(other, "path") instanceof ViewPath that)) {
      throw new ProviderMismatchException();
    }
    return that;
  }

  @Override
  public URI toUri() {
    return ViewUris.of(fileSystem, ((ViewPath) toAbsolutePath()).bytes);
  }

  @Override
  public Path toAbsolutePath() {
    return isAbsolute() ? this : fileSystem.root().resolve(this);
  }

  @Override
  public Path toRealPath(LinkOption... options) throws IOException {
    return fileSystem.realPath(this, !List.of(options).contains(LinkOption.NOFOLLOW_LINKS));
  }

  /**
   * Not supported.
   *
   * @throws UnsupportedOperationException always: nothing changes
   */
  @Override
  public WatchKey register(
      WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers) {
    throw new UnsupportedOperationException("nothing changes in a layer");
  }

  /** Compares the bytes. */
  @Override
  public int compareTo(Path other) {
    return Arrays.compareUnsigned(bytes, ((ViewPath) other).bytes);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ViewPath that
        && that.fileSystem == fileSystem
        && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    for (byte b : bytes) {
      if (b < 0) {
        return ByteNames.decode(ByteString.of(bytes));
      }
    }
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }
}
