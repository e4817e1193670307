package io.layerstore.core.work;

import com.google.common.util.concurrent.Uninterruptibles;
import io.layerstore.LayerStoreException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * Runs what must not stop half-way on threads that nobody interrupts.
 *
 * <p>An interrupted thread closes every NIO channel it uses, so publishing a layer, deleting one,
 * or cleaning up after a failure on a caller's thread could be cut anywhere. The caller waits for
 * the end, interrupted or not; its interrupt status is kept.
 */
public final class CriticalWork {

  /** Work that may fail. */
  @FunctionalInterface
  public interface Work<T> {
    T run() throws LayerStoreException;
  }

  /** Work without a result. */
  @FunctionalInterface
  public interface Step {
    void run() throws LayerStoreException;
  }

  private final ExecutorService threads;

  /** Uses {@code threads}, which must not run tasks in the calling thread. */
  public CriticalWork(ExecutorService threads) {
    this.threads = threads;
  }

  public void run(Step step) throws LayerStoreException {
    call(
        () -> {
          step.run();
          return Boolean.TRUE;
        });
  }

  public <T> T call(Work<T> work) throws LayerStoreException {
    Future<T> future = threads.submit(work::run);
    try {
      return Uninterruptibles.getUninterruptibly(future);
    } catch (ExecutionException e) {
      throw rethrow(e);
    }
  }

  private static LayerStoreException rethrow(ExecutionException e) {
    Throwable cause = e.getCause();
    if (cause instanceof LayerStoreException failure) {
      return failure;
    }
    if (cause instanceof RuntimeException failure) {
      throw failure;
    }
    if (cause instanceof Error failure) {
      throw failure;
    }
    return new LayerStoreException("unexpected failure: " + cause, cause);
  }
}
