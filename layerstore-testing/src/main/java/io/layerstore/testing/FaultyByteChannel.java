package io.layerstore.testing;

import io.layerstore.testing.FileOperation.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;

/** A byte channel of a {@link FaultyFileSystem}. */
final class FaultyByteChannel implements SeekableByteChannel {

  private final FaultyFileSystem fileSystem;
  private final Path path;
  private final SeekableByteChannel delegate;

  FaultyByteChannel(FaultyFileSystem fileSystem, Path path, SeekableByteChannel delegate) {
    this.fileSystem = fileSystem;
    this.path = path;
    this.delegate = delegate;
    fileSystem.opened(this, path);
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    return delegate.read(target);
  }

  @Override
  public int write(ByteBuffer source) throws IOException {
    if (fileSystem.tearsNextWrite()) {
      delegate.write(firstHalf(source));
    }
    fileSystem.before(FileOperation.of(Kind.WRITE, path));
    return delegate.write(source);
  }

  static ByteBuffer firstHalf(ByteBuffer source) {
    return source.slice(source.position(), source.remaining() / 2);
  }

  @Override
  public long position() throws IOException {
    return delegate.position();
  }

  @Override
  public SeekableByteChannel position(long position) throws IOException {
    delegate.position(position);
    return this;
  }

  @Override
  public long size() throws IOException {
    return delegate.size();
  }

  @Override
  public SeekableByteChannel truncate(long size) throws IOException {
    fileSystem.before(FileOperation.of(Kind.TRUNCATE, path));
    delegate.truncate(size);
    return this;
  }

  @Override
  public boolean isOpen() {
    return delegate.isOpen();
  }

  @Override
  public void close() throws IOException {
    fileSystem.closed(this);
    delegate.close();
  }
}
