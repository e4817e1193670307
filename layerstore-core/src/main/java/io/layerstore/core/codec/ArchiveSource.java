package io.layerstore.core.codec;

import io.layerstore.core.work.Interrupts;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The caller's stream as the codecs see it: buffered, counted, never closed, and with a memory of
 * its own failure, so that this can be told from damaged data. Once the source has ended or failed
 * it is not read again. One that is watched also ends with an interrupt of the thread that reads.
 */
final class ArchiveSource extends InputStream {

  private static final String OPERATION = "reading the layer archive";

  private final InputStream source;
  private final @Nullable LongConsumer watcher;
  private final byte[] buffer = new byte[64 << 10];
  private int position;
  private int limit;
  private long consumedBefore;
  private boolean ended;
  private @Nullable Exception failure;

  /**
   * @param watcher is told how many bytes have been read, each time; null if nobody watches
   */
  ArchiveSource(InputStream source, @Nullable LongConsumer watcher) {
    this.source = source;
    this.watcher = watcher;
  }

  /** Fills the buffer, if it is empty, with what the source gives at once; false at the end. */
  boolean fill() throws IOException {
    if (position < limit) {
      return true;
    }
    consumedBefore += limit;
    position = 0;
    limit = 0;
    return readMore();
  }

  /** Adds to the buffer, which has room; false at the end. */
  private boolean readMore() throws IOException {
    if (ended) {
      return false;
    }
    try {
      if (watcher != null) {
        Interrupts.check(OPERATION);
      }
      int count = source.read(buffer, limit, buffer.length - limit);
      if (count
          == 0) { // not what the contract of InputStream allows, but some do it; a single byte must
        // block
        int b = source.read();
        if (b >= 0) {
          buffer[limit] = (byte) b;
          count = 1;
        } else {
          count = -1;
        }
      }
      ended = count < 0;
      limit += Math.max(0, count);
      if (watcher != null && count > 0) {
        watcher.accept(count);
      }
      return !ended;
    } catch (IOException e) {
      ended = true;
      IOException told = watcher == null ? e : Interrupts.translate(OPERATION, e);
      failure = told;
      throw told;
    } catch (RuntimeException e) {
      ended = true;
      failure = e;
      throw e;
    }
  }

  /**
   * Buffers {@code count} bytes from the start of the source, if it has so many, and says how many
   * it has.
   */
  int prefetch(int count) throws IOException {
    while (limit - position < count && readMore()) {
      // the source may give one byte at a time
    }
    return Math.min(count, limit - position);
  }

  /** The buffered bytes stand in {@code array()} from {@code position()} to {@code limit()}. */
  byte[] array() {
    return buffer;
  }

  int position() {
    return position;
  }

  int limit() {
    return limit;
  }

  /** Takes {@code count} of the buffered bytes. */
  void consume(int count) {
    position += count;
  }

  /** The number of bytes taken so far. */
  long consumed() {
    return consumedBefore + position;
  }

  /** What the source itself threw, or null. */
  @Nullable Exception failure() {
    return failure;
  }

  @Override
  public int read() throws IOException {
    return fill() ? buffer[position++] & 0xff : -1;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!fill()) {
      return -1;
    }
    int count = Math.min(length, limit - position);
    System.arraycopy(buffer, position, target, offset, count);
    position += count;
    return count;
  }

  @Override
  public int available() {
    return limit - position;
  }

  /** Leaves the source open: it is the caller's. */
  @Override
  public void close() {}
}
