package io.layerstore.testing;

import io.layerstore.testing.FileOperation.Kind;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.util.Set;

/** A directory stream with operations relative to the directory, of a {@link FaultyFileSystem}. */
final class FaultySecureDirectoryStream extends FaultyDirectoryStream
    implements SecureDirectoryStream<Path> {

  private final SecureDirectoryStream<Path> delegate;

  FaultySecureDirectoryStream(
      FaultyFileSystem fileSystem, Path directory, SecureDirectoryStream<Path> delegate) {
    super(fileSystem, directory, delegate);
    this.delegate = delegate;
  }

  private static Path unwrap(Path path) {
    return FaultyFileSystem.unwrap(path);
  }

  /** For the list of changes: where {@code name} is, as far as names tell. */
  private Path place(Path name) {
    return directory.resolve(unwrap(name));
  }

  @Override
  public SecureDirectoryStream<Path> newDirectoryStream(Path path, LinkOption... options)
      throws IOException {
    fileSystem.beforeOpening(place(path));
    return new FaultySecureDirectoryStream(
        fileSystem, place(path), delegate.newDirectoryStream(unwrap(path), options));
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    fileSystem.beforeOpening(place(path));
    if (options.contains(StandardOpenOption.CREATE_NEW)
        || options.contains(StandardOpenOption.CREATE)) {
      fileSystem.before(FileOperation.of(Kind.CREATE_FILE, place(path)));
    } else if (options.contains(StandardOpenOption.TRUNCATE_EXISTING)) {
      fileSystem.before(FileOperation.of(Kind.TRUNCATE, place(path)));
    }
    return new FaultyByteChannel(
        fileSystem, place(path), delegate.newByteChannel(unwrap(path), options, attributes));
  }

  @Override
  public void deleteFile(Path path) throws IOException {
    fileSystem.before(FileOperation.of(Kind.DELETE, place(path)));
    delegate.deleteFile(unwrap(path));
  }

  @Override
  public void deleteDirectory(Path path) throws IOException {
    fileSystem.before(FileOperation.of(Kind.DELETE, place(path)));
    delegate.deleteDirectory(unwrap(path));
  }

  @Override
  public void move(Path source, SecureDirectoryStream<Path> targetDirectory, Path target)
      throws IOException {
    FaultySecureDirectoryStream other = (FaultySecureDirectoryStream) targetDirectory;
    fileSystem.before(new FileOperation(Kind.MOVE, place(source), other.place(target)));
    delegate.move(unwrap(source), other.delegate, unwrap(target));
  }

  @Override
  public <V extends FileAttributeView> V getFileAttributeView(Class<V> type) {
    return FaultyProvider.guard(fileSystem, directory, type, delegate.getFileAttributeView(type));
  }

  @Override
  public <V extends FileAttributeView> V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return FaultyProvider.guard(
        fileSystem, place(path), type, delegate.getFileAttributeView(unwrap(path), type, options));
  }
}
