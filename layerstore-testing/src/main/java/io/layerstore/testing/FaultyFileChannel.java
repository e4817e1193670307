package io.layerstore.testing;

import io.layerstore.testing.FileOperation.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file channel of a {@link FaultyFileSystem}. Its locks exist on this file system alone. */
final class FaultyFileChannel extends FileChannel {

  private final FaultyFileSystem fileSystem;
  private final Path path;
  private final FileChannel delegate;

  FaultyFileChannel(FaultyFileSystem fileSystem, Path path, FileChannel delegate) {
    this.fileSystem = fileSystem;
    this.path = path;
    this.delegate = delegate;
    fileSystem.opened(this, path);
  }

  private void before(Kind kind) throws IOException {
    fileSystem.before(FileOperation.of(kind, path));
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    return delegate.read(target);
  }

  @Override
  public long read(ByteBuffer[] targets, int offset, int length) throws IOException {
    return delegate.read(targets, offset, length);
  }

  @Override
  public int read(ByteBuffer target, long position) throws IOException {
    return delegate.read(target, position);
  }

  @Override
  public int write(ByteBuffer source) throws IOException {
    if (fileSystem.tearsNextWrite()) {
      delegate.write(FaultyByteChannel.firstHalf(source));
    }
    before(Kind.WRITE);
    return delegate.write(source);
  }

  @Override
  public long write(ByteBuffer[] sources, int offset, int length) throws IOException {
    before(Kind.WRITE);
    return delegate.write(sources, offset, length);
  }

  @Override
  public int write(ByteBuffer source, long position) throws IOException {
    before(Kind.WRITE);
    return delegate.write(source, position);
  }

  @Override
  public long position() throws IOException {
    return delegate.position();
  }

  @Override
  public FileChannel position(long position) throws IOException {
    delegate.position(position);
    return this;
  }

  @Override
  public long size() throws IOException {
    return delegate.size();
  }

  @Override
  public FileChannel truncate(long size) throws IOException {
    before(Kind.TRUNCATE);
    delegate.truncate(size);
    return this;
  }

  /**
   * Noted, but not passed on: no power cut comes, and tests that die a hundred times need not wait
   * for the disk.
   */
  @Override
  public void force(boolean metaData) throws IOException {
    if (!isOpen()) {
      throw new ClosedChannelException();
    }
    before(Files.isDirectory(path) ? Kind.FORCE_DIRECTORY : Kind.FORCE);
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
    return delegate.transferTo(position, count, target);
  }

  @Override
  public long transferFrom(ReadableByteChannel source, long position, long count)
      throws IOException {
    before(Kind.WRITE);
    return delegate.transferFrom(source, position, count);
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long position, long size) {
    throw new UnsupportedOperationException("a map would lead past the faults");
  }

  @Override
  public FileLock lock(long position, long size, boolean shared) throws IOException {
    return tryLock(position, size, shared);
  }

  @Override
  public FileLock tryLock(long position, long size, boolean shared) throws IOException {
    if (!isOpen()) {
      throw new ClosedChannelException();
    }
    return new FileLock(this, position, size, shared) {
      @Override
      public boolean isValid() {
        return isOpen();
      }

      @Override
      public void release() {}
    };
  }

  @Override
  protected void implCloseChannel() throws IOException {
    fileSystem.closed(this);
    delegate.close();
  }
}
