package io.layerstore.core.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.Closeable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

@SuppressWarnings("try") // Calls are held by scope, not by name.
final class StoreLifecycleTest {

  private final StoreLifecycle lifecycle = new StoreLifecycle();

  @Test
  void enter_afterClose_illegalState() {
    assertTrue(lifecycle.beginClose());
    assertThrows(IllegalStateException.class, lifecycle::enter);
  }

  @Test
  void beginClose_twice_secondIsFalse() {
    assertTrue(lifecycle.beginClose());
    assertFalse(lifecycle.beginClose());
  }

  @Test
  void beginClose_insideACall_illegalState() {
    try (StoreLifecycle.Call call = lifecycle.enter()) {
      assertThrows(IllegalStateException.class, lifecycle::beginClose);
    }
    assertTrue(lifecycle.beginClose());
  }

  @Test
  void beginClose_callUnderWay_waitsForIt() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    FutureTask<Boolean> call =
        new FutureTask<>(
            () -> {
              try (StoreLifecycle.Call outer = lifecycle.enter()) {
                entered.countDown();
                leave.await();
                // A nested call of one under way is let in although the store is closing.
                try (StoreLifecycle.Call inner = lifecycle.enter()) {
                  return true;
                }
              }
            });
    new Thread(call).start();
    entered.await();
    FutureTask<Boolean> close = new FutureTask<>(lifecycle::beginClose);
    Thread closer = new Thread(close);
    closer.start();
    while (closer.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    assertFalse(close.isDone());
    leave.countDown();
    assertTrue(call.get(1, TimeUnit.MINUTES));
    assertTrue(close.get(1, TimeUnit.MINUTES));
  }

  @Test
  void beginClose_streamsLeftOpen_closesThoseNotUntracked() {
    AtomicInteger closed = new AtomicInteger();
    Closeable left = closed::incrementAndGet;
    Closeable given = closed::incrementAndGet;
    lifecycle.track(left);
    lifecycle.track(given);
    lifecycle.untrack(given);
    lifecycle.beginClose();
    assertEquals(1, closed.get());
  }
}
