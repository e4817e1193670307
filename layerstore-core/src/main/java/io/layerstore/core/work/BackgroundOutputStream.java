package io.layerstore.core.work;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.layerstore.driver.Closing;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Writes to another stream on an executor, in order, through a bounded number of blocks.
 *
 * <p>A task never waits for more data: it writes the blocks that are there and ends, and the next
 * block starts a new one. If the executor has no thread to spare, the writer does the work itself.
 * So any executor will do, even one that runs tasks in the calling thread or not at all, and no
 * pool can deadlock.
 *
 * <p>A failure of the target surfaces at the next {@code write}, {@code flush} or {@code close}.
 * {@link #abandon} lets go of the target without closing it in an orderly way. Used by one thread
 * at a time; {@code write} can be interrupted.
 */
public final class BackgroundOutputStream extends OutputStream {

  private static final int BLOCK_BYTES = 128 << 10;
  private static final int MAX_QUEUED_BLOCKS = 8;

  private final OutputStream target;
  private final Executor executor;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final ArrayDeque<Block> full = new ArrayDeque<>();

  @GuardedBy("lock")
  private final ArrayDeque<Block> spare = new ArrayDeque<>();

  @GuardedBy("lock")
  private Drain drain = Drain.IDLE;

  @GuardedBy("lock")
  private @Nullable Throwable failure;

  private @Nullable Block current;
  private boolean closed;

  public BackgroundOutputStream(OutputStream target, Executor executor) {
    this.target = target;
    this.executor = executor;
  }

  /** How the queue is being emptied. */
  private enum Drain {
    /** There is nothing to do. */
    IDLE,
    /** A task was given to the executor and has not begun; the writer may take its place. */
    SCHEDULED,
    /** Some thread writes to the target. */
    RUNNING
  }

  /** A block of bytes on its way to the target. */
  private static final class Block {
    final byte[] bytes = new byte[BLOCK_BYTES];
    int length;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    int from = offset;
    int left = length;
    while (left > 0) {
      Block block = currentBlock();
      int count = Math.min(left, BLOCK_BYTES - block.length);
      System.arraycopy(bytes, from, block.bytes, block.length, count);
      block.length += count;
      from += count;
      left -= count;
      if (block.length == BLOCK_BYTES) {
        handOver();
      }
    }
  }

  private Block currentBlock() {
    Block block = current;
    if (block == null) {
      synchronized (lock) {
        block = spare.poll();
      }
      if (block == null) {
        block = new Block();
      }
      block.length = 0;
      current = block;
    }
    return block;
  }

  private void handOver() throws IOException {
    Block block = current;
    if (block == null || block.length == 0) {
      throwFailure();
      return;
    }
    current = null;
    boolean start;
    synchronized (lock) {
      full.add(block);
      start = drain == Drain.IDLE;
      if (start) {
        drain = Drain.SCHEDULED;
      }
    }
    if (start) {
      startDraining();
    }
    awaitQueueOf(MAX_QUEUED_BLOCKS);
  }

  private void startDraining() {
    try {
      executor.execute(this::drainIfScheduled);
    } catch (RejectedExecutionException e) {
      drainIfScheduled();
    }
  }

  private void drainIfScheduled() {
    synchronized (lock) {
      if (drain != Drain.SCHEDULED) {
        return;
      }
      drain = Drain.RUNNING;
    }
    drainQueue();
  }

  /** Writes what is queued; runs on the one thread that set {@link Drain#RUNNING}. */
  private void drainQueue() {
    Block done = null;
    while (true) {
      Block next;
      synchronized (lock) {
        if (done != null) {
          spare.add(done);
        }
        next = failure == null ? full.poll() : null;
        if (next == null) {
          full.clear();
          drain = Drain.IDLE;
        }
        lock.notifyAll();
      }
      if (next == null) {
        return;
      }
      try {
        target.write(next.bytes, 0, next.length);
      } catch (IOException | RuntimeException | Error e) {
        synchronized (lock) {
          failure = e;
        }
      }
      done = next;
    }
  }

  /**
   * Waits until at most {@code blocks} are queued, and for 0 also until the last one is written.
   */
  private void awaitQueueOf(int blocks) throws IOException {
    boolean takeOver;
    do {
      takeOver = false;
      synchronized (lock) {
        while (failure == null && (full.size() > blocks || (blocks == 0 && drain != Drain.IDLE))) {
          if (drain == Drain.SCHEDULED) {
            drain = Drain.RUNNING;
            takeOver = true;
            break;
          }
          try {
            lock.wait();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted =
                new InterruptedIOException("interrupted while writing");
            interrupted.initCause(e);
            throw interrupted;
          }
        }
      }
      if (takeOver) {
        drainQueue();
      }
    } while (takeOver);
    throwFailure();
  }

  private void throwFailure() throws IOException {
    Throwable thrown;
    synchronized (lock) {
      thrown = failure;
    }
    if (thrown instanceof IOException e) {
      throw e;
    }
    if (thrown != null) {
      throw new IOException("writing in the background failed", thrown);
    }
  }

  /** Waits until everything written so far has reached the target, and flushes it. */
  @Override
  public void flush() throws IOException {
    handOver();
    awaitQueueOf(0);
    target.flush();
  }

  /**
   * Writes what is left and closes the target; reports every failure. A second call does nothing.
   */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    try {
      flush();
    } catch (IOException e) {
      Closing.after(e, this::abandon);
      throw e;
    }
    closed = true;
    target.close();
  }

  /** Drops what is left, waits for a write that is under way, and closes the target. */
  public void abandon() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    boolean interrupted = false;
    synchronized (lock) {
      full.clear();
      if (drain == Drain.SCHEDULED) {
        drain = Drain.IDLE;
      }
      while (drain != Drain.IDLE) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    target.close();
  }
}
