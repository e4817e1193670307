package io.layerstore.core.codec;

import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * A caller's stream: gives few bytes at a time, says that none are available, and notices what is
 * done to it.
 */
final class TestSource extends InputStream {

  private final byte[] bytes;
  private final int pieceBytes;
  private final @Nullable Exception failure;
  private int position;
  private boolean ended;
  private int readsAfterEnd;
  private boolean closed;

  private TestSource(byte[] bytes, int pieceBytes, @Nullable Exception failure) {
    this.bytes = bytes;
    this.pieceBytes = pieceBytes;
    this.failure = failure;
  }

  static TestSource of(byte[] bytes) {
    return new TestSource(bytes, Integer.MAX_VALUE, null);
  }

  static TestSource inPieces(byte[] bytes, int pieceBytes) {
    return new TestSource(bytes, pieceBytes, null);
  }

  /** Throws {@code failure} where the end would be. */
  static TestSource failing(byte[] bytes, Exception failure) {
    return new TestSource(bytes, Integer.MAX_VALUE, failure);
  }

  int position() {
    return position;
  }

  /** Whether its end, or its failure, was met. */
  boolean isEnded() {
    return ended;
  }

  /** How often it was read after that. */
  int readsAfterEnd() {
    return readsAfterEnd;
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (ended) {
      readsAfterEnd++;
    }
    if (position == bytes.length) {
      ended = true;
      if (failure instanceof IOException e) {
        throw e;
      } else if (failure instanceof RuntimeException e) {
        throw e;
      }
      return -1;
    }
    int count = Math.min(Math.min(length, pieceBytes), bytes.length - position);
    System.arraycopy(bytes, position, target, offset, count);
    position += count;
    return count;
  }

  @Override
  public int available() {
    return 0;
  }

  @Override
  public void close() {
    closed = true;
  }
}
