package io.layerstore.core.work;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Does several pieces of work side by side, begun in their order.
 *
 * <p>The calling thread works too, so any executor will do: one that has no thread to spare costs
 * time, never a deadlock. After the first failure, or an interrupt of the caller, no further piece
 * is begun, and those under way are told to stop; the call ends when all have.
 */
public final class SideBySide {

  /** So much heap a layer may need while it is read or written, with its codec. */
  private static final long HEAP_PER_PIECE_BYTES = 24L << 20;

  private static final int MAX_THREADS = 8;

  private final String operation;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Queue<Work> waiting;

  @GuardedBy("lock")
  private final Set<Thread> helping = new HashSet<>();

  @GuardedBy("lock")
  private @Nullable Throwable failure;

  /** A piece of work. */
  @FunctionalInterface
  public interface Work {

    /**
     * Does it.
     *
     * @param stop whether another piece has failed, so that this one need not be finished; for the
     *     calling thread, which is not interrupted then
     */
    public void run(BooleanSupplier stop) throws LayerStoreException;
  }

  private SideBySide(String operation, List<? extends Work> pieces) {
    this.operation = operation;
    this.waiting = new ArrayDeque<>(pieces);
  }

  /** How many layers can be worked on at once. */
  public static int threads() {
    Runtime runtime = Runtime.getRuntime();
    long byMemory = runtime.maxMemory() / HEAP_PER_PIECE_BYTES;
    // One more than there are processors: a layer waits for the disk now and then.
    long byProcessors = Math.min(MAX_THREADS, runtime.availableProcessors() + 1);
    return (int) Math.max(1, Math.min(byMemory, byProcessors));
  }

  /**
   * Does all of {@code pieces}.
   *
   * @param operation what it is, for the exception after an interrupt
   * @param threads how many at the most work at once
   * @throws LayerStoreException the first failure
   */
  public static void run(
      Executor executor, int threads, String operation, List<? extends Work> pieces)
      throws LayerStoreException {
    new SideBySide(operation, pieces).run(executor, Math.min(threads, pieces.size()));
  }

  private void run(Executor executor, int threads) throws LayerStoreException {
    for (int i = 1; i < threads; i++) {
      try {
        executor.execute(this::help);
      } catch (RejectedExecutionException e) {
        break; // then with fewer
      }
    }
    work();
    awaitHelpers();
    throwFailure();
  }

  private void help() {
    Thread self = Thread.currentThread();
    synchronized (lock) {
      // An executor may run this in the calling thread, which is interrupted by others, not here.
      if (waiting.isEmpty() || !helping.add(self)) {
        return;
      }
    }
    work();
    synchronized (lock) {
      helping.remove(self);
      lock.notifyAll();
      if (failure != null) {
        // Ours, meant for this work; the thread goes back to the executor.
        Thread.interrupted();
      }
    }
  }

  private void work() {
    for (Work piece = next(); piece != null; piece = next()) {
      try {
        piece.run(this::hasFailed);
      } catch (LayerStoreException | RuntimeException | Error e) {
        fail(e);
      }
    }
  }

  private @Nullable Work next() {
    synchronized (lock) {
      return waiting.poll();
    }
  }

  private boolean hasFailed() {
    synchronized (lock) {
      return failure != null;
    }
  }

  private void fail(Throwable e) {
    synchronized (lock) {
      if (failure == null) {
        failure = e;
      } else if (failure != e && !(e instanceof OperationInterruptedException)) {
        failure.addSuppressed(e);
      }
      waiting.clear();
      for (Thread thread : helping) {
        if (thread != Thread.currentThread()) {
          thread.interrupt();
        }
      }
    }
  }

  private void awaitHelpers() {
    boolean interrupted = false;
    synchronized (lock) {
      while (!helping.isEmpty()) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          interrupted = true;
          fail(new OperationInterruptedException(operation, e));
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void throwFailure() throws LayerStoreException {
    Throwable thrown;
    synchronized (lock) {
      thrown = failure;
    }
    if (thrown instanceof LayerStoreException e) {
      throw e;
    }
    if (thrown instanceof RuntimeException e) {
      throw e;
    }
    if (thrown instanceof Error e) {
      throw e;
    }
  }
}
