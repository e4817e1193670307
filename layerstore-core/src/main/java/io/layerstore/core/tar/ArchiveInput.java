package io.layerstore.core.tar;

import io.layerstore.ArchiveException;
import io.layerstore.core.tar.TarReader.RawBytes;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of an archive, taken from their source in large pieces, counted and copied as they are
 * fetched; all but payload is passed on as it is read.
 */
final class ArchiveInput {

  /** A multiple of the block size, so that blocks seldom straddle two reads. */
  static final int BUFFER_BYTES = 128 << 10;

  private final InputStream source;
  private final RawBytes raw;
  private final @Nullable OutputStream copy;
  private final long maxBytes;
  private final EntryPosition position;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int start;
  private int end;
  private long total;

  /**
   * @param copy takes every byte, in order; null if nobody wants them, and then skipping need not
   *     read
   */
  ArchiveInput(
      InputStream source,
      RawBytes raw,
      @Nullable OutputStream copy,
      long maxBytes,
      EntryPosition position) {
    this.source = source;
    this.raw = raw;
    this.copy = copy;
    this.maxBytes = maxBytes;
    this.position = position;
  }

  /**
   * Reads bytes that are not payload, and passes them on.
   *
   * @return how many there were; less than {@code length} only at the end of the source
   */
  int readRaw(byte[] target, int offset, int length) throws IOException {
    int done = 0;
    while (done < length) {
      int count = readPayload(target, offset + done, length - done);
      if (count < 0) {
        break;
      }
      done += count;
    }
    if (done > 0) {
      raw.bytes(target, offset, done);
    }
    return done;
  }

  /** Reads a block that is not payload, and passes it on; false if the source is at its end. */
  boolean readRawBlock(HeaderBlock block) throws IOException {
    int count = readRaw(block.bytes(), 0, HeaderBlock.SIZE);
    if (count > 0 && count < HeaderBlock.SIZE) {
      throw position.unexpectedEnd();
    }
    return count > 0;
  }

  /**
   * Reads {@code size} bytes that are not payload to the end of {@code target}, and passes them on.
   */
  void readRaw(Extension target, long size) throws IOException {
    for (long left = size; left > 0; ) {
      int chunk = (int) Math.min(left, BUFFER_BYTES);
      byte[] bytes = target.reserve(chunk);
      if (readRaw(bytes, target.length(), chunk) < chunk) {
        throw position.unexpectedEnd();
      }
      target.grow(chunk);
      left -= chunk;
    }
  }

  /** Passes on everything up to the end of the source. */
  void drainRaw() throws IOException {
    while (start < end || fill()) {
      raw.bytes(buffer, start, end - start);
      start = end;
    }
  }

  /** Reads like {@link InputStream#read(byte[], int, int)}; large reads bypass the buffer. */
  int readPayload(byte[] target, int offset, int length) throws IOException {
    if (start == end) {
      if (length >= BUFFER_BYTES) {
        return fetch(target, offset, length);
      }
      if (!fill()) {
        return -1;
      }
    }
    int count = Math.min(length, end - start);
    System.arraycopy(buffer, start, target, offset, count);
    start += count;
    return count;
  }

  /**
   * Passes over payload.
   *
   * @return whether the source had so much; one that skips may not notice its end
   */
  boolean skipPayload(long length) throws IOException {
    long left = length;
    while (left > 0) {
      if (start == end) {
        long skipped = left > BUFFER_BYTES && copy == null ? source.skip(left) : 0;
        count(skipped);
        left -= skipped;
        if (skipped == 0 && !fill()) {
          return false;
        }
      }
      int buffered = (int) Math.min(left, end - start);
      start += buffered;
      left -= buffered;
    }
    return true;
  }

  /** How many bytes have been handed out or passed over. */
  long used() {
    return total - (end - start);
  }

  /** How many bytes can be read without asking the source. */
  int buffered() {
    return end - start;
  }

  private boolean fill() throws IOException {
    int count = fetch(buffer, 0, BUFFER_BYTES);
    start = 0;
    end = Math.max(count, 0);
    return count > 0;
  }

  private int fetch(byte[] target, int offset, int length) throws IOException {
    int count = source.read(target, offset, length);
    if (count == 0) {
      // Against its contract; the single-byte form cannot do the same, so there is no busy loop.
      int single = source.read();
      if (single < 0) {
        return -1;
      }
      target[offset] = (byte) single;
      count = 1;
    }
    if (count > 0) {
      count(count);
      if (copy != null) {
        copy.write(target, offset, count);
      }
    }
    return count;
  }

  private void count(long bytes) throws ArchiveException {
    total += bytes;
    if (total > maxBytes) {
      throw position.exceeds("maxUnpackedBytes", maxBytes);
    }
  }
}
