package io.layerstore.core.view;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import org.jspecify.annotations.Nullable;

/**
 * A file that is read from any place. What is read from its beginning to its end is checked; after
 * another position is set it is opened anew there.
 */
final class FileChannelView implements SeekableByteChannel {

  private static final int BUFFER_BYTES = 64 << 10;

  private final ViewFileSystem fileSystem;
  private final PathWalk.Place file;
  private final long size;
  private long position;
  private @Nullable InputStream content;

  /** Where {@link #content} stands. */
  private long contentPosition;

  private byte[] buffer = {};
  private boolean isClosed;

  /** Opens {@code file} at once, so that what is missing is found at once. */
  FileChannelView(ViewFileSystem fileSystem, PathWalk.Place file) throws IOException {
    this.fileSystem = fileSystem;
    this.file = file;
    this.size = file.shown().index().size(file.node());
    this.content = fileSystem.open(file, 0);
  }

  @Override
  public synchronized int read(ByteBuffer target) throws IOException {
    requireOpen();
    if (position >= size) {
      return -1;
    }
    if (!target.hasRemaining()) {
      return 0;
    }
    InputStream in = contentAtPosition();
    int count;
    if (target.hasArray()) {
      count = in.read(target.array(), target.arrayOffset() + target.position(), target.remaining());
      target.position(target.position() + Math.max(count, 0));
    } else {
      buffer = buffer.length == 0 ? new byte[BUFFER_BYTES] : buffer;
      count = in.read(buffer, 0, Math.min(BUFFER_BYTES, target.remaining()));
      target.put(buffer, 0, Math.max(count, 0));
    }
    position += Math.max(count, 0);
    contentPosition = position;
    return count;
  }

  private InputStream contentAtPosition() throws IOException {
    InputStream open = content;
    if (open != null && contentPosition == position) {
      return open;
    }
    content = null;
    if (open != null) {
      open.close();
    }
    InputStream opened = fileSystem.open(file, position);
    content = opened;
    contentPosition = position;
    return opened;
  }

  private void requireOpen() throws ClosedChannelException {
    if (isClosed) {
      throw new ClosedChannelException();
    }
    fileSystem.requireOpen();
  }

  @Override
  public int write(ByteBuffer source) {
    throw new NonWritableChannelException();
  }

  @Override
  public SeekableByteChannel truncate(long newSize) {
    throw new NonWritableChannelException();
  }

  @Override
  public synchronized long position() throws IOException {
    requireOpen();
    return position;
  }

  @Override
  public synchronized SeekableByteChannel position(long newPosition) throws IOException {
    requireOpen();
    if (newPosition < 0) {
      throw new IllegalArgumentException("negative position: " + newPosition);
    }
    position = newPosition;
    return this;
  }

  @Override
  public synchronized long size() throws IOException {
    requireOpen();
    return size;
  }

  @Override
  public synchronized boolean isOpen() {
    return !isClosed;
  }

  @Override
  public synchronized void close() throws IOException {
    if (!isClosed) {
      isClosed = true;
      if (content != null) {
        content.close();
      }
    }
  }
}
