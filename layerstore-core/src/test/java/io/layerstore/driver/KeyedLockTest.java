package io.layerstore.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class KeyedLockTest {

  private final KeyedLock<String> locks = new KeyedLock<>();
  private final ExecutorService others = Executors.newCachedThreadPool();

  @AfterEach
  void close_allThreads_leaveNoKey() throws InterruptedException {
    others.shutdownNow();
    assertTrue(others.awaitTermination(30, TimeUnit.SECONDS));
    assertEquals(0, locks.keysInUse());
  }

  @Nested
  final class Acquire {

    @Test
    void acquire_heldByOther_waitsUntilClosed() throws Exception {
      AtomicInteger inside = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      List<Future<?>> done = new ArrayList<>();
      int[] sum = new int[1];
      for (int thread = 0; thread < 8; thread++) {
        done.add(
            others.submit(
                () -> {
                  for (int i = 0; i < 1000; i++) {
                    KeyedLock.Held held = locks.acquire("a");
                    try (held) {
                      most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                      sum[0]++;
                      inside.decrementAndGet();
                    }
                  }
                }));
      }
      for (Future<?> future : done) {
        future.get();
      }
      assertEquals(1, most.get());
      assertEquals(8000, sum[0]);
    }

    @Test
    void acquire_otherKeyHeld_doesNotWait() throws Exception {
      KeyedLock.Held held = locks.acquire("a");
      try (held) {
        onOtherThread(
            () -> {
              locks.acquire("b").close();
              return null;
            });
      }
    }

    @Test
    void acquire_heldBySameThread_isHeldTwice() throws Exception {
      KeyedLock.Held outer = locks.acquire("a");
      locks.acquire("a").close();
      CountDownLatch entered = new CountDownLatch(1);
      Future<?> other =
          others.submit(
              () -> {
                KeyedLock.Held held = locks.acquire("a");
                entered.countDown();
                held.close();
              });
      assertEquals(1, entered.getCount());
      outer.close();
      other.get();
    }

    @Test
    void acquire_interrupted_locksAndKeepsTheStatus() throws Exception {
      boolean isInterrupted =
          onOtherThread(
              () -> {
                Thread.currentThread().interrupt();
                locks.acquire("a").close();
                return Thread.interrupted();
              });
      assertTrue(isInterrupted);
    }

    @Test
    void acquire_heldByOther_flightRecorderHasTheWait(@TempDir Path directory) throws Exception {
      Path file = directory.resolve("flight.jfr");
      try (Recording recording = new Recording()) {
        recording.start();
        Thread waiter = new Thread(() -> locks.acquire("waited for").close());
        KeyedLock.Held held = locks.acquire("waited for");
        try (held) {
          waiter.start();
          while (waiter.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
          }
        }
        waiter.join();
        locks.acquire("free").close();
        recording.stop();
        recording.dump(file);
      }
      List<String> keys =
          RecordingFile.readAllEvents(file).stream()
              .filter(event -> event.getEventType().getName().equals("io.layerstore.LockWait"))
              .map(event -> event.getString("key"))
              .toList();
      assertEquals(List.of("waited for"), keys);
    }

    @Test
    void acquire_null_throws() {
      assertThrows(NullPointerException.class, () -> locks.acquire(null));
    }
  }

  @Nested
  final class AcquireInterruptibly {

    @Test
    void acquireInterruptibly_free_locks() throws Exception {
      KeyedLock.Held held = locks.acquireInterruptibly("a");
      try (held) {
        assertEquals(1, locks.keysInUse());
      }
    }

    @Test
    void acquireInterruptibly_interruptedWhileWaiting_throwsAndDoesNotHold() throws Exception {
      KeyedLock.Held held = locks.acquire("a");
      Thread waiter;
      List<Throwable> thrown = new ArrayList<>();
      try (held) {
        CountDownLatch started = new CountDownLatch(1);
        waiter =
            new Thread(
                () -> {
                  started.countDown();
                  try {
                    locks.acquireInterruptibly("a").close();
                  } catch (Throwable t) {
                    thrown.add(t);
                  }
                });
        waiter.start();
        started.await();
        waiter.interrupt();
        waiter.join();
      }
      assertEquals(1, thrown.size());
      assertEquals(InterruptedException.class, thrown.get(0).getClass());
      locks.acquire("a").close();
    }
  }

  @Nested
  final class Close {

    @Test
    void close_twice_doesNothing() {
      KeyedLock.Held first = locks.acquire("a");
      first.close();
      KeyedLock.Held second = locks.acquire("a");
      first.close();
      assertEquals(1, locks.keysInUse());
      second.close();
    }

    @Test
    void close_byOtherThread_throwsAndStaysHeld() throws Exception {
      KeyedLock.Held held = locks.acquire("a");
      try (held) {
        onOtherThread(() -> assertThrows(IllegalMonitorStateException.class, held::close));
        assertEquals(1, locks.keysInUse());
      }
    }

    @Test
    void close_lastUser_dropsTheKey() {
      locks.acquire("a").close();
      assertEquals(0, locks.keysInUse());
      assertFalse(Thread.currentThread().isInterrupted());
    }
  }

  private <T> T onOtherThread(Callable<T> task) throws InterruptedException, ExecutionException {
    return others.submit(task).get();
  }
}
