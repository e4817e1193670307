package io.layerstore.overlay2.linux.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.testing.LibraryThreads;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class WatchdogTest {

  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SHORT = Duration.ofMillis(1);

  private final LibraryThreads threads = LibraryThreads.now();
  private final Semaphore fired = new Semaphore(0);
  private final Watchdog watchdog = new Watchdog("layerstore-test-watchdog");

  private Watchdog.Wait begin(Duration timeout) {
    return watchdog.begin(timeout, fired::release);
  }

  @AfterEach
  void close() {
    watchdog.close();
    watchdog.join(LONG);
    assertEquals(List.of(), threads.begunSince());
  }

  @Test
  void wait_tooLong_fires() throws InterruptedException {
    watchdog.start();
    Watchdog.Wait wait = begin(SHORT);
    fired.acquire();
    assertFalse(wait.end());
  }

  @Test
  void wait_begunBeforeTheThread_fires() throws InterruptedException {
    Watchdog.Wait wait = begin(SHORT);
    watchdog.start();
    fired.acquire();
    assertFalse(wait.end());
  }

  @Test
  void wait_inTime_doesNotFire() {
    watchdog.start();
    for (int i = 0; i < 1000; i++) {
      Watchdog.Wait wait = begin(LONG);
      assertTrue(wait.end());
    }
    assertEquals(0, fired.availablePermits());
  }

  @Test
  void wait_shorterThanTheOneBefore_fires() throws InterruptedException {
    watchdog.start();
    Watchdog.Wait wait = begin(LONG);
    assertTrue(wait.end());
    wait = begin(SHORT);
    fired.acquire();
    assertFalse(wait.end());
  }

  @Test
  void wait_afterOneThatWasTooLong_countsForItself() throws InterruptedException {
    watchdog.start();
    Watchdog.Wait wait = begin(SHORT);
    fired.acquire();
    wait.end();
    wait = begin(LONG);
    assertTrue(wait.end());
    wait = begin(SHORT);
    fired.acquire();
    assertFalse(wait.end());
  }

  @Test
  void waits_ofManyThreads_eachForItself() throws InterruptedException {
    watchdog.start();
    Watchdog.Wait first = begin(LONG);
    Watchdog.Wait second = begin(SHORT);
    Watchdog.Wait third = begin(SHORT);
    fired.acquire(2);
    assertTrue(first.end());
    assertFalse(second.end());
    assertFalse(third.end());
  }

  @Test
  void wait_overBeforeItsTime_doesNotFireForTheNext() throws InterruptedException {
    watchdog.start();
    Watchdog.Wait wait = begin(Duration.ofMillis(50));
    assumeTrue(wait.end(), "this thread was not let run for 50 ms");
    wait = begin(LONG);
    // Another one, for a time that ends after that of the first.
    begin(Duration.ofMillis(60));
    fired.acquire();
    assertTrue(wait.end());
    assertEquals(0, fired.availablePermits());
  }
}
