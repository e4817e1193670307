package io.layerstore.overlay2.linux.wire;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * Cuts what a helper sends into batches of complete frames.
 *
 * <p>One thread at a time reads; any thread may give batches back, or give up.
 */
final class FrameReader {

  private static final int BATCH_SIZE = 128 << 10;

  private final InputStream in;
  private final ConcurrentLinkedQueue<FrameBatch> spare = new ConcurrentLinkedQueue<>();

  /** What is read next goes here, after the {@link #filled} bytes of a frame that has begun. */
  private FrameBatch batch = new FrameBatch(BATCH_SIZE);

  private int filled;
  private volatile boolean isGivenUp;

  FrameReader(InputStream in) {
    this.in = in;
  }

  /**
   * Waits for complete frames; null at the end.
   *
   * @throws Frame.GarbageException if it is no frame that comes, or not all of one
   * @throws InterruptedIOException if nobody wants it any more
   */
  @Nullable FrameBatch next() throws IOException {
    while (true) {
      int count = in.read(batch.bytes(), filled, batch.bytes().length - filled);
      if (isGivenUp) {
        throw new InterruptedIOException("given up");
      }
      if (count < 0) {
        break;
      }
      filled += count;
      FrameBatch full = takeComplete();
      if (full != null) {
        return full;
      }
    }
    if (filled > 0) {
      throw new Frame.GarbageException("helper ended inside a frame");
    }
    return null;
  }

  /** What is complete; the rest goes to the next batch. */
  private @Nullable FrameBatch takeComplete() {
    int complete = batch.completeFrames(filled);
    int needed = complete == filled ? 0 : batch.lengthOfFrame(complete, filled);
    if (complete == 0 && needed <= batch.bytes().length) {
      return null;
    }
    FrameBatch read = batch;
    batch = takeSpare(needed);
    System.arraycopy(read.bytes(), complete, batch.bytes(), 0, filled - complete);
    filled -= complete;
    if (complete == 0) {
      return null;
    }
    read.show(complete);
    return read;
  }

  private FrameBatch takeSpare(int size) {
    FrameBatch used = spare.poll();
    if (used == null || used.bytes().length < size) {
      return new FrameBatch(Math.max(size, BATCH_SIZE));
    }
    used.clear();
    return used;
  }

  /** Takes a batch back whose frames nobody needs any more. */
  void giveBack(FrameBatch used) {
    spare.add(used);
  }

  /** From the next byte on, reading ends. */
  void giveUp() {
    isGivenUp = true;
  }

  void close() {
    try {
      in.close();
    } catch (IOException e) {
      // Of a pipe that was only read from, nothing can be lost.
    }
  }
}
