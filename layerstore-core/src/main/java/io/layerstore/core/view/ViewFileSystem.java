package io.layerstore.core.view;

import io.layerstore.ByteString;
import io.layerstore.driver.Closing;
import io.layerstore.driver.rooted.ByteNames;
import io.layerstore.spi.EntryType;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.WatchService;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Layers as a file system to read. The names, kinds and attributes of its files are in memory, what
 * they contain is read where the layers are.
 */
public final class ViewFileSystem extends FileSystem {

  private static final Set<String> VIEWS =
      Set.of("basic", "owner", "posix", "unix", "user", "layer");

  /** What is known of the layers; all, where they need not be fetched. */
  private final Shown first;

  private final @Nullable OnDemand more;
  private final ViewSettings settings;
  private final ViewProvider provider;
  private final String key;
  private final ViewPath root;
  private final ReadAhead ahead = new ReadAhead();
  private final List<Closeable> last = new CopyOnWriteArrayList<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * @param more what gives layers that are not in {@code first}; null if all are
   */
  ViewFileSystem(Shown first, @Nullable OnDemand more, ViewSettings settings) {
    this.first = first;
    this.more = more;
    this.settings = settings;
    this.provider = ViewProvider.instance();
    this.root = new ViewPath(this, new byte[] {'/'});
    this.key = ViewUris.register(this);
  }

  /** The same, which closes {@code more} in the end, too. */
  ViewFileSystem andClose(Closeable more) {
    last.add(more);
    return this;
  }

  /** What is known of the layers now. */
  private Shown shown() {
    return more == null ? first : more.shown();
  }

  /** What is known when at least one layer more is than in {@code before}. */
  private Shown more(Shown before) throws IOException {
    if (more == null || before.below() == 0) {
      throw new IllegalStateException("all layers are known");
    }
    try {
      return more.more(before);
    } catch (IOException | RuntimeException e) {
      requireOpen(); // What fails because it is being closed fails for that.
      throw e;
    }
  }

  /** All layers. */
  Shown all() throws IOException {
    requireOpen();
    Shown now = shown();
    while (now.below() > 0) {
      now = more(now);
    }
    return now;
  }

  /** What its URIs call it. */
  String key() {
    return key;
  }

  ViewPath root() {
    return root;
  }

  void requireOpen() {
    if (closed.get()) {
      throw new ClosedFileSystemException();
    }
  }

  /** Where {@code path} leads; fetches as many layers as it takes to tell. */
  PathWalk.Place find(ViewPath path, boolean followsLast) throws IOException {
    requireOpen();
    Shown now = shown();
    if (now.contents().isEmpty() && now.below() > 0) {
      now = more(now); // The root has the attributes of the highest layer's.
    }
    PathWalk.Place place = PathWalk.go(now, path, followsLast);
    while (place == null) {
      now = more(now);
      place = PathWalk.go(now, path, followsLast);
    }
    return place;
  }

  /**
   * The directory at {@code path}, with all that is in it.
   *
   * @throws NotDirectoryException if it is none
   */
  PathWalk.Place directory(ViewPath path) throws IOException {
    PathWalk.Place place = find(path, true);
    if (!place.shown().index().isDirectory(place.node())) {
      throw new NotDirectoryException(path.toString());
    }
    while (place.shown().isOpen(place.node())) {
      more(place.shown());
      place = find(path, true);
    }
    return place;
  }

  Path realPath(ViewPath path, boolean followsLast) throws IOException {
    ByteString real = find(path, followsLast).path().bytes();
    return new ViewPath(this, ByteString.utf8("/").concat(real).toByteArray());
  }

  EntryAttributes attributes(ViewPath path, boolean followsLast) throws IOException {
    requireOpen();
    int known = path.known();
    Shown shown = path.shown();
    if (shown != null && !(followsLast && shown.index().type(known) == EntryType.SYMLINK)) {
      return new EntryAttributes(this, shown, path, known);
    }
    PathWalk.Place place = find(path, followsLast);
    return new EntryAttributes(this, place.shown(), path, place.node());
  }

  /**
   * The file at {@code path}.
   *
   * @throws FileSystemException if it is not a regular file
   */
  PathWalk.Place file(ViewPath path) throws IOException {
    PathWalk.Place place = find(path, true);
    EntryType type = place.shown().index().type(place.node());
    if (type != EntryType.FILE) {
      throw new FileSystemException(
          path.toString(),
          null,
          type == EntryType.DIRECTORY ? "Is a directory" : "not a regular file");
    }
    return place;
  }

  /** Opens a file, without its first {@code from} bytes. */
  InputStream open(PathWalk.Place file, long from) throws IOException {
    requireOpen();
    int node = file.node();
    Index index = file.shown().index();
    List<LayerContents> contents = file.shown().contents();
    long size = index.size(node);
    LayerContents source = contents.get(index.layer(node));
    if (!source.isByPath()) {
      source = contents.get(index.layer(index.original(node)));
    }
    InputStream content;
    try {
      if (from == 0 && more == null && source.isByPath()) {
        ahead.opening(file);
      }
      content = source.open(file.path(), node, size, index.place(node), from);
    } catch (IOException | RuntimeException e) {
      requireOpen(); // What fails because it is being closed fails for that.
      throw e;
    }
    boolean isChecked =
        from == 0
            && size > 0
            && settings.verifies()
            && source.isByPath()
            && !index.has(node, Index.UNCHECKED);
    return new FileInput(this, content, file.path(), size - from, isChecked, index.place(node));
  }

  @Override
  public FileSystemProvider provider() {
    return provider;
  }

  /** Gives back what it holds; streams that are open fail at their next read. */
  @Override
  public void close() throws IOException {
    if (closed.compareAndSet(false, true)) {
      ViewUris.forget(this);
      List<Closeable> all = new ArrayList<>(first.contents());
      all.add(settings.resources());
      all.addAll(last);
      Closing.all(all);
    }
  }

  @Override
  public boolean isOpen() {
    return !closed.get();
  }

  @Override
  public boolean isReadOnly() {
    return true;
  }

  @Override
  public String getSeparator() {
    return "/";
  }

  @Override
  public Iterable<Path> getRootDirectories() {
    requireOpen();
    return List.of(root);
  }

  @Override
  public Iterable<FileStore> getFileStores() {
    requireOpen();
    return List.of(store());
  }

  FileStore store() {
    return new ViewStore(this, settings.title());
  }

  @Override
  public Set<String> supportedFileAttributeViews() {
    requireOpen();
    return VIEWS;
  }

  @Override
  public Path getPath(String first, String... more) {
    requireOpen();
    StringBuilder text = new StringBuilder(first);
    for (String part : more) {
      if (!part.isEmpty()) {
        text.append(text.isEmpty() ? "" : "/").append(part);
      }
    }
    return ViewPath.of(this, bytes(text.toString()));
  }

  private static byte[] bytes(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        throw new InvalidPathException(text, "a name with a NUL in it", i);
      }
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c) && (c < '\udc80' || c > '\udcff')) {
        throw new InvalidPathException(text, "half a character", i);
      }
    }
    return ByteNames.escape(text).toByteArray();
  }

  @Override
  public PathMatcher getPathMatcher(String syntaxAndPattern) {
    requireOpen();
    int colon = syntaxAndPattern.indexOf(':');
    if (colon <= 0) {
      throw new IllegalArgumentException(
          "no syntax before the pattern, such as glob: " + syntaxAndPattern);
    }
    String syntax = syntaxAndPattern.substring(0, colon);
    String pattern = syntaxAndPattern.substring(colon + 1);
    Pattern compiled;
    if (syntax.equalsIgnoreCase("glob")) {
      compiled = Pattern.compile(Glob.toRegex(pattern), Pattern.DOTALL);
    } else if (syntax.equalsIgnoreCase("regex")) {
      compiled = Pattern.compile(pattern);
    } else {
      throw new UnsupportedOperationException("the syntax of patterns \"" + syntax + "\"");
    }
    return path -> compiled.matcher(path.toString()).matches();
  }

  @Override
  public UserPrincipalLookupService getUserPrincipalLookupService() {
    return Principals.LOOKUP;
  }

  /**
   * Not supported.
   *
   * @throws UnsupportedOperationException always: nothing changes
   */
  @Override
  public WatchService newWatchService() {
    throw new UnsupportedOperationException("nothing changes in a layer");
  }

  /** What it shows. */
  @Override
  public String toString() {
    return settings.title();
  }
}
