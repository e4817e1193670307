package io.layerstore;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A layer composed of files; its archive has them sorted by path. The same content gives the same
 * bytes on every platform. Immutable; made with {@link #builder}.
 *
 * <pre>{@code
 * LayerContent content =
 *     LayerContent.builder()
 *         .tree("app", Path.of("build/app"))
 *         .file("app/run.sh", script, EntryOptions.DEFAULT.withMode(0755))
 *         .symlink("usr/bin/app", "/app/run.sh")
 *         .whiteout("etc/motd")
 *         .build();
 * store.register(content, RegisterOptions.DEFAULT);
 * }</pre>
 *
 * <p>Paths are relative to the root of the layer, with or without a slash before them. Missing
 * parent directories need not be added; in an image they belong to 0:0 and have mode 0755. Files
 * are opened when the archive is read, so they must not change until then.
 */
public final class LayerContent implements LayerSource {

  /** What an entry is. */
  public enum Kind {
    /** A directory. */
    DIRECTORY,
    /** A regular file. */
    FILE,
    /** A symbolic link. */
    SYMLINK,
    /** The deletion of what the layers below have at the path. */
    WHITEOUT,
    /** The mark that hides everything that lower layers have in the directory. */
    OPAQUE
  }

  /** Opens what a file contains. */
  @FunctionalInterface
  public interface Opener {
    /** A new stream, closed by the caller. */
    InputStream open() throws IOException;
  }

  /**
   * One entry.
   *
   * @param path where it is; of a whiteout, what is deleted
   * @param kind what it is
   * @param options its attributes, the mode always among them
   * @param target where a symbolic link leads; else null
   * @param sizeBytes the length of a file; else 0
   * @param content opens what a file contains; else null
   */
  public record Entry(
      LayerPath path,
      Kind kind,
      EntryOptions options,
      @Nullable ByteString target,
      long sizeBytes,
      @Nullable Opener content) {}

  private final List<Entry> entries;

  private LayerContent(Builder builder) {
    List<Entry> all = new ArrayList<>(builder.entries.values());
    all.addAll(builder.opaque.values());
    // A directory comes before what is in it, and its mark after it.
    all.sort(
        (left, right) -> {
          int order = comparePaths(left.path(), right.path());
          return order != 0 ? order : left.kind().compareTo(right.kind());
        });
    this.entries = List.copyOf(all);
  }

  /** By names, so that what is in a directory follows it at once. */
  private static int comparePaths(LayerPath left, LayerPath right) {
    List<ByteString> first = left.names();
    List<ByteString> second = right.names();
    for (int i = 0; i < Math.min(first.size(), second.size()); i++) {
      int order = first.get(i).compareTo(second.get(i));
      if (order != 0) {
        return order;
      }
    }
    return Integer.compare(first.size(), second.size());
  }

  /** A builder of nothing. */
  public static Builder builder() {
    return new Builder();
  }

  /** The entries, in the order of the archive. */
  public List<Entry> entries() {
    return entries;
  }

  /**
   * The archive.
   *
   * @throws IllegalStateException if no implementation of the store is on the class path
   */
  @Override
  public InputStream open() throws IOException {
    return StoreOptions.provider().archive(this);
  }

  /** How many entries there are. */
  @Override
  public String toString() {
    return "LayerContent[" + entries.size() + " entries]";
  }

  /**
   * Collects entries; a later one replaces an earlier one of the same path. Not safe for use by
   * several threads.
   */
  public static final class Builder {
    private static final int DIRECTORY_MODE = 0755;
    private static final int FILE_MODE = 0644;
    private static final int LINK_MODE = 0777;

    private final TreeMap<LayerPath, Entry> entries = new TreeMap<>();
    private final TreeMap<LayerPath, Entry> opaque = new TreeMap<>();

    private Builder() {}

    /** Adds a file with these bytes. */
    public Builder file(String path, byte[] content) {
      return file(path, content, EntryOptions.DEFAULT);
    }

    /** Adds a file with these bytes; of mode 0644 unless the options say otherwise. */
    public Builder file(String path, byte[] content, EntryOptions options) {
      byte[] copy = content.clone();
      return add(
          layerPath(path),
          Kind.FILE,
          options.orMode(FILE_MODE),
          null,
          copy.length,
          () -> new ByteArrayInputStream(copy));
    }

    /**
     * Adds a file of this or any other file system; see {@link #file(String, Path, EntryOptions)}.
     */
    public Builder file(String path, Path source) throws IOException {
      return file(path, source, EntryOptions.DEFAULT);
    }

    /**
     * Adds the file {@code source}, or the one that it leads to if it is a symbolic link; its mode
     * is that of {@link #tree(String, Path, EntryOptions)}.
     *
     * @throws IOException if it is missing or no file
     */
    public Builder file(String path, Path source, EntryOptions options) throws IOException {
      BasicFileAttributes attributes = Files.readAttributes(source, BasicFileAttributes.class);
      if (!attributes.isRegularFile()) {
        throw new LayerStoreException(source + " is not a file; tree adds directories");
      }
      return file(layerPath(path), source, attributes.size(), options);
    }

    /** Adds what {@code source} is; see {@link #tree(String, Path, EntryOptions)}. */
    public Builder tree(String path, Path source) throws IOException {
      return tree(path, source, EntryOptions.DEFAULT);
    }

    /**
     * Adds {@code source} at {@code path}: a file, a symbolic link as it is, or a directory with
     * everything in it, on any file system.
     *
     * <p>Owners and times of the source are ignored. Unless the options say otherwise, directories
     * and executable files get mode 0755 and other files 0644; on a file system without permissions
     * no file is executable. Names are kept byte for byte.
     *
     * @throws IllegalStateException if no implementation of the store is on the class path
     * @throws IOException if the source cannot be read, or has something that is none of these
     */
    public Builder tree(String path, Path source, EntryOptions options) throws IOException {
      return tree(layerPath(path), source, options);
    }

    private Builder tree(LayerPath path, Path source, EntryOptions options) throws IOException {
      BasicFileAttributes attributes =
          Files.readAttributes(source, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      if (attributes.isSymbolicLink()) {
        return symlink(path, bytes(Files.readSymbolicLink(source)), options);
      }
      if (attributes.isDirectory()) {
        if (!path.isRoot()) {
          directory(path, options);
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(source)) {
          for (Path entry : entries) {
            Path name = Objects.requireNonNull(entry.getFileName());
            tree(path.resolve(bytes(name)), entry, options);
          }
        }
        return this;
      }
      if (!attributes.isRegularFile()) {
        throw new LayerStoreException(source + " is neither a file nor a directory nor a link");
      }
      return file(path, source, attributes.size(), options, LinkOption.NOFOLLOW_LINKS);
    }

    private Builder file(
        LayerPath path, Path source, long sizeBytes, EntryOptions options, LinkOption... links)
        throws IOException {
      return add(
          path,
          Kind.FILE,
          options.orMode(isExecutable(source, links) ? DIRECTORY_MODE : FILE_MODE),
          null,
          sizeBytes,
          () -> Files.newInputStream(source, links));
    }

    private static ByteString bytes(Path path) {
      return StoreOptions.provider().bytes(path);
    }

    private static boolean isExecutable(Path file, LinkOption... links) throws IOException {
      PosixFileAttributeView view =
          Files.getFileAttributeView(file, PosixFileAttributeView.class, links);
      return view != null
          && view.readAttributes().permissions().contains(PosixFilePermission.OWNER_EXECUTE);
    }

    /** Adds a directory of mode 0755. */
    public Builder directory(String path) {
      return directory(path, EntryOptions.DEFAULT);
    }

    /** Adds a directory; of mode 0755 unless the options say otherwise. */
    public Builder directory(String path, EntryOptions options) {
      return directory(layerPath(path), options);
    }

    private Builder directory(LayerPath path, EntryOptions options) {
      return add(path, Kind.DIRECTORY, options.orMode(DIRECTORY_MODE), null, 0, null);
    }

    /** Adds a symbolic link to {@code target}. */
    public Builder symlink(String path, String target) {
      return symlink(path, target, EntryOptions.DEFAULT);
    }

    /** Adds a symbolic link to {@code target}; it has no mode of its own. */
    public Builder symlink(String path, String target, EntryOptions options) {
      if (target.isEmpty() || target.indexOf('\0') >= 0) {
        throw new IllegalArgumentException("not the target of a link: \"" + target + "\"");
      }
      return symlink(layerPath(path), ByteString.utf8(target), options);
    }

    private Builder symlink(LayerPath path, ByteString target, EntryOptions options) {
      return add(path, Kind.SYMLINK, options.withMode(LINK_MODE), target, 0, null);
    }

    /** Deletes what the layers below have at {@code path}. */
    public Builder whiteout(String path) {
      EntryOptions options = EntryOptions.DEFAULT.orMode(FILE_MODE);
      return add(layerPath(path), Kind.WHITEOUT, options, null, 0, null);
    }

    /** Hides everything that lower layers have in the directory {@code path}. */
    public Builder opaque(String path) {
      LayerPath directory = layerPath(path);
      EntryOptions options = EntryOptions.DEFAULT.orMode(FILE_MODE);
      opaque.put(directory, new Entry(directory, Kind.OPAQUE, options, null, 0, null));
      return this;
    }

    private Builder add(
        LayerPath path,
        Kind kind,
        EntryOptions options,
        @Nullable ByteString target,
        long sizeBytes,
        @Nullable Opener content) {
      if (path.isRoot()) {
        throw new IllegalArgumentException("the root of a layer has no entry of its own");
      }
      entries.put(path, new Entry(path, kind, options, target, sizeBytes, content));
      return this;
    }

    private static LayerPath layerPath(String path) {
      Objects.requireNonNull(path, "path");
      int start = 0;
      int end = path.length();
      while (start < end && path.charAt(start) == '/') {
        start++;
      }
      while (end > start && path.charAt(end - 1) == '/') {
        end--;
      }
      return LayerPath.of(path.substring(start, end));
    }

    /**
     * Makes the content.
     *
     * @throws IllegalArgumentException if an entry is below one that is not a directory
     */
    public LayerContent build() {
      for (LayerPath path : entries.keySet()) {
        for (LayerPath above = path; !above.isRoot(); ) {
          above = above.parent();
          Entry entry = entries.get(above);
          if (entry != null && entry.kind() != Kind.DIRECTORY) {
            throw new IllegalArgumentException(
                "/" + path + " is below /" + above + ", which is a " + entry.kind());
          }
        }
      }
      return new LayerContent(this);
    }
  }
}
