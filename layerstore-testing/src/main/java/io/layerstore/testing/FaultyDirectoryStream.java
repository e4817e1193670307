package io.layerstore.testing;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Path;
import java.util.Iterator;

/** A directory stream of a {@link FaultyFileSystem}. */
class FaultyDirectoryStream implements DirectoryStream<Path> {

  final FaultyFileSystem fileSystem;

  /** The directory, on the file system below. */
  final Path directory;

  private final DirectoryStream<Path> delegate;

  FaultyDirectoryStream(
      FaultyFileSystem fileSystem, Path directory, DirectoryStream<Path> delegate) {
    this.fileSystem = fileSystem;
    this.directory = directory;
    this.delegate = delegate;
    fileSystem.opened(this, directory);
  }

  @Override
  public Iterator<Path> iterator() {
    Iterator<Path> entries = delegate.iterator();
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return entries.hasNext();
      }

      @Override
      public Path next() {
        return fileSystem.wrap(entries.next());
      }
    };
  }

  @Override
  public void close() throws IOException {
    fileSystem.closed(this);
    delegate.close();
  }
}
