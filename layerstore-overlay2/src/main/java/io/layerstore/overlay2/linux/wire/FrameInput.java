package io.layerstore.overlay2.linux.wire;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The frames that a helper sends. There are two ways to read them:
 *
 * <ul>
 *   <li>{@link #ofStream}, for a helper that says much, or says it unasked: a thread of its own
 *       reads. A frame crosses to the thread that takes it in a batch with those that came with it,
 *       so that many small frames cost little; a few batches may wait, then the helper does. An
 *       interrupt of the taking thread never ends a read in the middle of a frame.
 *   <li>{@link #ofAnswers}, for a helper that gives many short answers, each of them waited for:
 *       the thread that waits reads, which saves waking it. An interrupt is not noticed meanwhile.
 *       A {@link Watchdog} ends a read that takes too long.
 * </ul>
 *
 * <p>One thread at a time takes frames.
 */
public final class FrameInput {

  private static final int MAX_BATCHES = 4;

  private final FrameReader reader;
  private final Runnable onGarbage;

  /** The thread that reads a stream; null for answers. */
  private final @Nullable BackgroundThread readingThread;

  /** What ends a wait for an answer; null for a stream. */
  private final @Nullable Watchdog watchdog;

  private final Runnable onTimeout;

  /** Guards what follows. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final Deque<FrameBatch> batches = new ArrayDeque<>();
  private boolean hasEnded;
  private boolean isClosed;
  private @Nullable String garbage;

  /** The batch that frames are taken from; only the taking thread touches it. */
  private @Nullable FrameBatch current;

  private FrameInput(
      InputStream in,
      Runnable onGarbage,
      @Nullable String threadName,
      @Nullable Watchdog watchdog,
      Runnable onTimeout) {
    this.reader = new FrameReader(in);
    this.onGarbage = onGarbage;
    this.readingThread =
        threadName == null ? null : new BackgroundThread(threadName, this::readAll);
    this.watchdog = watchdog;
    this.onTimeout =
        () -> {
          reader.giveUp();
          onTimeout.run();
        };
  }

  /**
   * Frames of a stream, read by a thread of their own.
   *
   * @param onGarbage run by the reading thread when what comes is no frame; nothing is read after
   *     that
   */
  public static FrameInput ofStream(InputStream in, String threadName, Runnable onGarbage) {
    return new FrameInput(in, onGarbage, threadName, null, () -> {});
  }

  /**
   * Frames of answers, read by the thread that waits for them.
   *
   * @param watchdog ends a wait that takes too long
   * @param onTimeout how: has to make the read that is under way return, with whatever
   */
  public static FrameInput ofAnswers(
      InputStream in, Runnable onGarbage, Watchdog watchdog, Runnable onTimeout) {
    return new FrameInput(in, onGarbage, null, watchdog, onTimeout);
  }

  /** Begins. */
  public void start() {
    if (readingThread != null) {
      readingThread.start();
    }
  }

  // ---- reading ----

  private void readAll() {
    while (readBatch()) {
      // Until the end.
    }
  }

  /** Reads and publishes a batch; gives false at the end. */
  private boolean readBatch() {
    String problem = null;
    try {
      FrameBatch batch = reader.next();
      if (batch != null) {
        publish(batch);
        return true;
      }
    } catch (Frame.GarbageException e) {
      problem = e.getMessage();
    } catch (IOException e) {
      // The process is dead or was killed; what it said until then counts.
    }
    if (problem != null) {
      onGarbage.run();
    }
    reader.close();
    lock.lock();
    try {
      hasEnded = true;
      garbage = problem;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    return false;
  }

  /**
   * Hands a batch over; drops it if nobody takes frames any more, so that the helper can go on to
   * its end.
   */
  private void publish(FrameBatch batch) {
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
  public @Nullable Frame poll() {
    FrameBatch batch = current;
    if (batch == null || !batch.hasNext()) {
      if (batch != null) {
        reader.giveBack(batch);
      }
      batch = pollBatch();
      current = batch;
    }
    return batch == null ? null : batch.next();
  }

  private @Nullable FrameBatch pollBatch() {
    lock.lock();
    try {
      FrameBatch batch = batches.poll();
      if (batch != null) {
        changed.signalAll();
      }
      return batch;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until {@link #poll} has something or never will; gives false if that takes too long.
   * After that no more answers can be waited for.
   */
  public boolean await(Duration timeout) throws InterruptedException {
    if (watchdog != null) {
      return readAnswer(watchdog, timeout);
    }
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

  private boolean readAnswer(Watchdog dog, Duration timeout) {
    if (hasFramesOrEnded()) {
      return true;
    }
    Watchdog.Wait wait = dog.begin(timeout, onTimeout);
    readBatch();
    return wait.end();
  }

  /** Waits until the helper has said all it will, or more than is kept of it. */
  public void awaitEnd(Duration timeout) throws InterruptedException {
    if (watchdog != null) {
      awaitEndOfAnswers(watchdog, timeout);
      return;
    }
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

  private void awaitEndOfAnswers(Watchdog dog, Duration timeout) {
    Watchdog.Wait wait = dog.begin(timeout, onTimeout);
    boolean isMore = true;
    for (int i = 0; i < MAX_BATCHES && isMore; i++) {
      isMore = !hasReadAll() && readBatch();
    }
    wait.end();
  }

  private boolean hasReadAll() {
    lock.lock();
    try {
      return hasEnded;
    } finally {
      lock.unlock();
    }
  }

  private boolean hasFramesOrEnded() {
    lock.lock();
    try {
      return hasFramesOrEndedLocked();
    } finally {
      lock.unlock();
    }
  }

  private boolean hasFramesOrEndedLocked() {
    return !batches.isEmpty() || hasEnded;
  }

  /** Whether no more frames will come; for the taking thread, after {@link #poll} gave none. */
  public boolean hasEnded() {
    lock.lock();
    try {
      return batches.isEmpty() && hasEnded;
    } finally {
      lock.unlock();
    }
  }

  /** What was no frame, if that was the end; else null. */
  public @Nullable String garbage() {
    lock.lock();
    try {
      return garbage;
    } finally {
      lock.unlock();
    }
  }

  /** Nobody takes frames any more: a reading thread goes on to the end and keeps none. */
  public void close() {
    lock.lock();
    try {
      isClosed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits for the thread that belongs to this, after {@link #close} and the end of the process. */
  public void join(Duration timeout) {
    if (readingThread != null) {
      readingThread.join(timeout);
    }
    if (watchdog != null) {
      reader.close();
    }
  }
}
