package io.layerstore.overlay2.linux;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The frames that a helper sends, read by a thread of their own.
 *
 * <p>A frame crosses to the thread that takes it in a batch with those that came with it, so that
 * many small frames cost little; a few batches may wait, then the helper does. An interrupt of the
 * taking thread never ends a read in the middle of a frame.
 *
 * <p>One thread at a time takes frames. {@link #lock} and {@link #changed} are for whoever waits
 * for frames or something else, whichever comes first.
 */
final class FrameInput {

  private static final int BATCH_SIZE = 128 << 10;
  private static final int MAX_BATCHES = 4;

  private final InputStream in;
  private final Runnable onGarbage;
  private final BackgroundThread reader;

  /** Guards what follows. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final Deque<Batch> batches = new ArrayDeque<>();
  private final Deque<Batch> spare = new ArrayDeque<>();
  private boolean hasEnded;
  private boolean isClosed;
  private @Nullable String garbage;

  /** The batch that frames are taken from; only the taking thread touches it. */
  private @Nullable Batch current;

  /** Complete frames, one after the other. */
  private static final class Batch {
    final byte[] bytes;
    final ByteBuffer frames;

    Batch(int size) {
      bytes = new byte[size];
      frames = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  /**
   * Begins to read {@code in}.
   *
   * @param onGarbage run by the reading thread when what comes is no frame; nothing is read after
   *     that
   */
  FrameInput(InputStream in, String threadName, Runnable onGarbage) {
    this.in = in;
    this.onGarbage = onGarbage;
    this.reader = new BackgroundThread(threadName, this::read);
  }

  /** Begins. */
  void start() {
    reader.start();
  }

  // ---- reading ----

  private void read() {
    String problem = null;
    try (in) {
      readBatches();
    } catch (Frame.GarbageException e) {
      problem = e.getMessage();
    } catch (IOException e) {
      // The process is dead or was killed; what it said until then counts.
    }
    if (problem != null) {
      onGarbage.run();
    }
    lock.lock();
    try {
      hasEnded = true;
      garbage = problem;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void readBatches() throws IOException {
    Batch batch = new Batch(BATCH_SIZE);
    int filled = 0;
    while (true) {
      int count = in.read(batch.bytes, filled, batch.bytes.length - filled);
      if (count < 0) {
        break;
      }
      filled += count;
      int complete = completeFrames(batch.frames, filled);
      int needed = complete == filled ? 0 : lengthOfFrame(batch.frames, complete, filled);
      if (complete == 0 && needed <= batch.bytes.length) {
        continue;
      }
      Batch next = takeSpare(needed);
      System.arraycopy(batch.bytes, complete, next.bytes, 0, filled - complete);
      filled -= complete;
      if (complete > 0) {
        batch.frames.position(0).limit(complete);
        publish(batch);
      }
      batch = next;
    }
    if (filled > 0) {
      throw new Frame.GarbageException("helper ended inside a frame");
    }
  }

  /** Where the last complete frame ends. */
  private static int completeFrames(ByteBuffer frames, int filled) {
    int end = 0;
    while (filled - end >= Protocol.HEADER_SIZE) {
      int length = lengthOfFrame(frames, end, filled);
      if (filled - end < length) {
        break;
      }
      end += length;
    }
    return end;
  }

  /**
   * The length of the frame that begins at {@code start}, or of a header as long as it is not
   * complete.
   */
  private static int lengthOfFrame(ByteBuffer frames, int start, int filled) {
    if (filled - start < Protocol.HEADER_SIZE) {
      return Protocol.HEADER_SIZE;
    }
    int length = frames.getInt(start);
    int opcode = frames.getShort(start + 4) & 0xffff;
    if (length < 0 || length > Protocol.limitOf(opcode) || frames.getShort(start + 6) != 0) {
      throw new Frame.GarbageException("invalid frame header");
    }
    return Protocol.HEADER_SIZE + length;
  }

  private Batch takeSpare(int size) {
    lock.lock();
    try {
      Batch batch = spare.poll();
      if (batch != null && batch.bytes.length >= size) {
        batch.frames.clear();
        return batch;
      }
    } finally {
      lock.unlock();
    }
    return new Batch(Math.max(size, BATCH_SIZE));
  }

  /**
   * Hands a batch over; drops it if nobody takes frames any more, so that the helper can go on to
   * its end.
   */
  private void publish(Batch batch) {
    lock.lock();
    try {
      while (batches.size() == MAX_BATCHES && !isClosed) {
        changed.awaitUninterruptibly();
      }
      if (!isClosed) {
        batches.add(batch);
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  // ---- taking ----

  /** The next frame if it is there already, else null. */
  @Nullable Frame poll() {
    Batch batch = current;
    if (batch == null || !batch.frames.hasRemaining()) {
      lock.lock();
      try {
        if (batch != null) {
          spare.add(batch);
        }
        batch = batches.poll();
        current = batch;
        if (batch != null) {
          changed.signalAll();
        }
      } finally {
        lock.unlock();
      }
      if (batch == null) {
        return null;
      }
    }
    ByteBuffer frames = batch.frames;
    int length = frames.getInt();
    int opcode = frames.getShort() & 0xffff;
    frames.getShort();
    int sequence = frames.getInt();
    ByteBuffer body = frames.slice(frames.position(), length).order(ByteOrder.LITTLE_ENDIAN);
    frames.position(frames.position() + length);
    return new Frame(opcode, sequence, body);
  }

  /** Waits until {@link #poll} has something or never will; gives false if that takes too long. */
  boolean await(Duration timeout) throws InterruptedException {
    long nanos = timeout.toNanos();
    lock.lock();
    try {
      while (!hasFramesOrEndedLocked()) {
        if (nanos <= 0) {
          return false;
        }
        nanos = changed.awaitNanos(nanos);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the helper has said all it will, or more than is kept of it. */
  void awaitEnd(Duration timeout) throws InterruptedException {
    long nanos = timeout.toNanos();
    lock.lock();
    try {
      while (!hasEnded && batches.size() < MAX_BATCHES && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Guards what is waited for, and what a user keeps beside it. */
  ReentrantLock lock() {
    return lock;
  }

  /** Signalled when there are frames or no more will come; a user may signal for its own things. */
  Condition changed() {
    return changed;
  }

  /**
   * Whether {@link #poll} has something or never will; with the lock held, by the taking thread.
   */
  boolean hasFramesOrEndedLocked() {
    return !batches.isEmpty() || hasEnded;
  }

  /** Whether no more frames will come; for the taking thread, after {@link #poll} gave none. */
  boolean hasEnded() {
    lock.lock();
    try {
      return batches.isEmpty() && hasEnded;
    } finally {
      lock.unlock();
    }
  }

  /** What was no frame, if that was the end; else null. */
  @Nullable String garbage() {
    lock.lock();
    try {
      return garbage;
    } finally {
      lock.unlock();
    }
  }

  /** Nobody takes frames any more: the reading thread goes on to the end and keeps none. */
  void close() {
    lock.lock();
    try {
      isClosed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits for the reading thread, which ends with the process. */
  void join(Duration timeout) {
    reader.join(timeout);
  }
}
