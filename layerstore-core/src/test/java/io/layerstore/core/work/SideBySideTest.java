package io.layerstore.core.work;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Work side by side, on executors of all sorts. */
final class SideBySideTest {

  private final ExecutorService pool = Executors.newFixedThreadPool(3);

  @AfterEach
  void endPool() {
    pool.shutdownNow();
  }

  private Executor executor(String kind) {
    return switch (kind) {
      case "pool" -> pool;
      case "same thread" -> Runnable::run;
      case "rejects" ->
          task -> {
            throw new RejectedExecutionException();
          };
      default -> task -> {}; // never runs anything
    };
  }

  private static void run(Executor executor, List<SideBySide.Work> work)
      throws LayerStoreException {
    SideBySide.run(executor, 4, "testing", work);
  }

  @ParameterizedTest
  @ValueSource(strings = {"pool", "same thread", "rejects", "never"})
  void run_anyExecutor_doesEachPieceOnce(String kind) throws LayerStoreException {
    AtomicInteger done = new AtomicInteger();
    List<SideBySide.Work> work = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      work.add(stop -> done.incrementAndGet());
    }
    run(executor(kind), work);
    assertEquals(20, done.get());
  }

  @Test
  void run_pool_worksAtTheSameTime() throws LayerStoreException {
    CountDownLatch both = new CountDownLatch(2);
    SideBySide.Work meet =
        stop -> {
          both.countDown();
          try {
            both.await();
          } catch (InterruptedException e) {
            throw new OperationInterruptedException("meeting", e);
          }
        };
    run(pool, List.of(meet, meet));
    assertEquals(0, both.getCount());
  }

  @ParameterizedTest
  @ValueSource(strings = {"pool", "same thread", "rejects"})
  void run_pieceFails_noneIsBegunAfterAndItsFailureThrown(String kind) {
    LayerStoreException failure = new LayerStoreException("broken", null);
    AtomicInteger begun = new AtomicInteger();
    List<SideBySide.Work> work = new ArrayList<>();
    work.add(
        stop -> {
          throw failure;
        });
    for (int i = 0; i < 1000; i++) {
      work.add(stop -> begun.incrementAndGet());
    }
    assertSame(failure, assertThrows(LayerStoreException.class, () -> run(executor(kind), work)));
    if (!kind.equals("pool")) {
      assertEquals(0, begun.get());
    }
  }

  @Test
  void run_pieceFails_othersAreInterrupted() {
    CountDownLatch waiting = new CountDownLatch(1);
    AtomicBoolean interrupted = new AtomicBoolean();
    Thread caller = Thread.currentThread();
    CountDownLatch never = new CountDownLatch(1);
    SideBySide.Work piece =
        stop -> {
          try {
            if (Thread.currentThread() == caller) {
              waiting.await();
              throw new LayerStoreException("broken", null);
            }
            waiting.countDown();
            never.await();
          } catch (InterruptedException e) {
            interrupted.set(true);
            throw new OperationInterruptedException("waiting", e);
          }
        };
    LayerStoreException e =
        assertThrows(LayerStoreException.class, () -> run(pool, List.of(piece, piece)));
    assertEquals("broken", e.getMessage());
    assertTrue(interrupted.get());
    assertFalse(Thread.currentThread().isInterrupted());
  }

  @Test
  void run_callerInterrupted_othersAreInterruptedAndStatusKept() {
    Thread caller = Thread.currentThread();
    CountDownLatch never = new CountDownLatch(1);
    CountDownLatch helping = new CountDownLatch(1);
    SideBySide.Work piece =
        stop -> {
          try {
            if (Thread.currentThread() == caller) {
              helping.await();
              caller.interrupt();
              return;
            }
            helping.countDown();
            never.await();
          } catch (InterruptedException e) {
            throw new OperationInterruptedException("waiting", e);
          }
        };
    assertThrows(OperationInterruptedException.class, () -> run(pool, List.of(piece, piece)));
    assertTrue(Thread.interrupted());
  }
}
