package io.layerstore.core.work;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.LayerStoreException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class CriticalWorkTest {

  private final ExecutorService pool = StoreThreads.pool("test");
  private final CriticalWork critical = new CriticalWork(pool);

  @AfterEach
  void endPool() {
    StoreThreads.end(pool);
  }

  @Test
  void call_interruptedCaller_workRunsUninterruptedAndStatusIsKept() throws LayerStoreException {
    AtomicBoolean sawInterrupt = new AtomicBoolean();
    Thread.currentThread().interrupt();
    int result =
        critical.call(
            () -> {
              sawInterrupt.set(Thread.currentThread().isInterrupted());
              return 7;
            });
    assertTrue(Thread.interrupted());
    assertEquals(7, result);
    assertFalse(sawInterrupt.get());
  }

  @Test
  void call_checkedFailure_thrownAsItIs() {
    LayerStoreException failure = new LayerStoreException("no");
    assertSame(
        failure,
        assertThrows(
            LayerStoreException.class,
            () ->
                critical.run(
                    () -> {
                      throw failure;
                    })));
  }

  @Test
  void call_uncheckedFailure_thrownAsItIs() {
    IllegalArgumentException failure = new IllegalArgumentException("no");
    assertSame(
        failure,
        assertThrows(
            IllegalArgumentException.class,
            () ->
                critical.run(
                    () -> {
                      throw failure;
                    })));
  }
}
