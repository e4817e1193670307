package io.layerstore.testing;

import io.layerstore.testing.FileOperation.Kind;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.spi.FileSystemProvider;
import java.util.Map;
import java.util.Set;

/**
 * Asks a {@link FaultyFileSystem} before every change, and leaves the rest to the provider below.
 */
final class FaultyProvider extends FileSystemProvider {

  private final FaultyFileSystem fileSystem;
  private final FileSystemProvider delegate;

  FaultyProvider(FaultyFileSystem fileSystem, FileSystemProvider delegate) {
    this.fileSystem = fileSystem;
    this.delegate = delegate;
  }

  private static Path unwrap(Path path) {
    if (path instanceof FaultyPath faulty) {
      return faulty.delegate();
    }
    throw new ProviderMismatchException();
  }

  private void before(Kind kind, Path path) throws IOException {
    fileSystem.before(FileOperation.of(kind, path));
  }

  private void before(Kind kind, Path path, Path target) throws IOException {
    fileSystem.before(new FileOperation(kind, path, target));
  }

  @Override
  public String getScheme() {
    return "faulty";
  }

  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> env) {
    throw new UnsupportedOperationException("made over another file system, not from a URI");
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    throw new UnsupportedOperationException("made over another file system, not from a URI");
  }

  @Override
  public Path getPath(URI uri) {
    throw new UnsupportedOperationException("a path with faults has no URI");
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    Path below = unwrap(path);
    beforeOpening(below, options);
    return new FaultyByteChannel(
        fileSystem, below, delegate.newByteChannel(below, options, attributes));
  }

  @Override
  public FileChannel newFileChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    Path below = unwrap(path);
    beforeOpening(below, options);
    return new FaultyFileChannel(
        fileSystem, below, delegate.newFileChannel(below, options, attributes));
  }

  private void beforeOpening(Path path, Set<? extends OpenOption> options) throws IOException {
    fileSystem.beforeOpening(path);
    boolean creates =
        options.contains(StandardOpenOption.CREATE_NEW)
            || (options.contains(StandardOpenOption.CREATE)
                && Files.notExists(path, LinkOption.NOFOLLOW_LINKS));
    if (creates) {
      before(Kind.CREATE_FILE, path);
    } else if (options.contains(StandardOpenOption.TRUNCATE_EXISTING)) {
      before(Kind.TRUNCATE, path);
    }
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path directory, DirectoryStream.Filter<? super Path> filter) throws IOException {
    fileSystem.beforeOpening(unwrap(directory));
    return wrap(
        unwrap(directory),
        delegate.newDirectoryStream(
            unwrap(directory), entry -> filter.accept(fileSystem.wrap(entry))));
  }

  private DirectoryStream<Path> wrap(Path directory, DirectoryStream<Path> stream) {
    return stream instanceof SecureDirectoryStream<Path> secure
        ? new FaultySecureDirectoryStream(fileSystem, directory, secure)
        : new FaultyDirectoryStream(fileSystem, directory, stream);
  }

  @Override
  public void createDirectory(Path directory, FileAttribute<?>... attributes) throws IOException {
    before(Kind.CREATE_DIRECTORY, unwrap(directory));
    delegate.createDirectory(unwrap(directory), attributes);
  }

  @Override
  public void createSymbolicLink(Path link, Path target, FileAttribute<?>... attributes)
      throws IOException {
    before(Kind.CREATE_SYMBOLIC_LINK, unwrap(link), unwrap(target));
    delegate.createSymbolicLink(unwrap(link), unwrap(target), attributes);
  }

  @Override
  public void createLink(Path link, Path existing) throws IOException {
    before(Kind.CREATE_LINK, unwrap(existing), unwrap(link));
    delegate.createLink(unwrap(link), unwrap(existing));
  }

  @Override
  public Path readSymbolicLink(Path link) throws IOException {
    return fileSystem.wrap(delegate.readSymbolicLink(unwrap(link)));
  }

  @Override
  public void delete(Path path) throws IOException {
    before(Kind.DELETE, unwrap(path));
    delegate.delete(unwrap(path));
  }

  @Override
  public void copy(Path source, Path target, CopyOption... options) throws IOException {
    before(Kind.COPY, unwrap(source), unwrap(target));
    delegate.copy(unwrap(source), unwrap(target), options);
  }

  @Override
  public void move(Path source, Path target, CopyOption... options) throws IOException {
    before(Kind.MOVE, unwrap(source), unwrap(target));
    delegate.move(unwrap(source), unwrap(target), options);
  }

  @Override
  public boolean isSameFile(Path path, Path other) throws IOException {
    return path.equals(other)
        || (other instanceof FaultyPath && delegate.isSameFile(unwrap(path), unwrap(other)));
  }

  @Override
  public boolean isHidden(Path path) throws IOException {
    return delegate.isHidden(unwrap(path));
  }

  @Override
  public FileStore getFileStore(Path path) throws IOException {
    return delegate.getFileStore(unwrap(path));
  }

  @Override
  public void checkAccess(Path path, AccessMode... modes) throws IOException {
    delegate.checkAccess(unwrap(path), modes);
  }

  @Override
  public <V extends FileAttributeView> V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return guard(
        fileSystem, unwrap(path), type, delegate.getFileAttributeView(unwrap(path), type, options));
  }

  /** A view that asks before every change. */
  static <V extends FileAttributeView> V guard(
      FaultyFileSystem fileSystem, Path path, Class<V> type, V view) {
    if (view == null) {
      return null;
    }
    return type.cast(
        Proxy.newProxyInstance(
            FaultyProvider.class.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              String name = method.getName();
              if (name.startsWith("set") || name.equals("write") || name.equals("delete")) {
                fileSystem.before(FileOperation.of(Kind.SET_ATTRIBUTE, path));
              }
              try {
                return method.invoke(view, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }

  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    return withoutKey(fileSystem, type, delegate.readAttributes(unwrap(path), type, options));
  }

  /** {@code attributes} without the key of their file, if the file system is to have none. */
  private static <A extends BasicFileAttributes> A withoutKey(
      FaultyFileSystem fileSystem, Class<A> type, A attributes) {
    if (!fileSystem.hidesFileKeys()) {
      return attributes;
    }
    return type.cast(
        Proxy.newProxyInstance(
            FaultyProvider.class.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) ->
                method.getName().equals("fileKey") ? null : method.invoke(attributes, arguments)));
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... options)
      throws IOException {
    return delegate.readAttributes(unwrap(path), attributes, options);
  }

  @Override
  public void setAttribute(Path path, String attribute, Object value, LinkOption... options)
      throws IOException {
    before(Kind.SET_ATTRIBUTE, unwrap(path));
    delegate.setAttribute(unwrap(path), attribute, value, options);
  }
}
