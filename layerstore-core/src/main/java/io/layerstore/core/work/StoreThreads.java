package io.layerstore.core.work;

import com.google.common.util.concurrent.Uninterruptibles;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Makes the threads of a store: as many as there is work, gone soon after it. */
public final class StoreThreads {

  private static final long IDLE_SECONDS = 5;

  private StoreThreads() {}

  /** A pool whose daemon threads are called {@code layerstore-<purpose>-<n>}. */
  public static ExecutorService pool(String purpose) {
    return new Pool(new Factory(purpose));
  }

  /** Makes the threads of one pool, and knows those that may still run. */
  private static final class Factory implements ThreadFactory {
    private final String purpose;
    private final AtomicInteger number = new AtomicInteger();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    Factory(String purpose) {
      this.purpose = purpose;
    }

    @Override
    public Thread newThread(Runnable task) {
      threads.removeIf(thread -> thread.getState() == Thread.State.TERMINATED);
      Thread thread = new Thread(task, "layerstore-" + purpose + "-" + number.incrementAndGet());
      thread.setDaemon(true);
      threads.add(thread);
      return thread;
    }
  }

  private static final class Pool extends ThreadPoolExecutor {
    private final Factory factory;

    Pool(Factory factory) {
      super(
          0, Integer.MAX_VALUE, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), factory);
      this.factory = factory;
    }

    /** Waits until the threads are gone; a pool is terminated a moment before they are. */
    void awaitThreads() {
      Uninterruptibles.awaitTerminationUninterruptibly(this);
      factory.threads.forEach(Uninterruptibles::joinUninterruptibly);
    }
  }

  /** Ends the pool and waits for its threads, interrupted or not. */
  public static void end(ExecutorService pool) {
    pool.shutdown();
    ((Pool) pool).awaitThreads();
  }
}
