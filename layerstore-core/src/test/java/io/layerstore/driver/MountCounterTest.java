package io.layerstore.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.DriverException;
import io.layerstore.LayerStoreException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

final class MountCounterTest {

  private final MountCounter<String> fresh = new MountCounter<>(id -> false);
  private final MountCounter<String> premounted = new MountCounter<>(id -> true);

  @Nested
  final class Increment {

    @Test
    void increment_first_isOne() throws LayerStoreException {
      assertEquals(1, fresh.increment("a"));
    }

    @Test
    void increment_second_isTwo() throws LayerStoreException {
      fresh.increment("a");
      assertEquals(2, fresh.increment("a"));
    }

    @Test
    void increment_otherKey_isCountedByItself() throws LayerStoreException {
      fresh.increment("a");
      assertEquals(1, fresh.increment("b"));
    }

    @Test
    void increment_mountedBefore_isTwo() throws LayerStoreException {
      assertEquals(2, premounted.increment("a"));
    }

    @Test
    void increment_mountedBefore_isAskedOnce() throws LayerStoreException {
      List<String> asked = new ArrayList<>();
      MountCounter<String> counter =
          new MountCounter<>(
              id -> {
                asked.add(id);
                return true;
              });
      counter.increment("a");
      counter.increment("a");
      counter.decrement("a");
      assertEquals(List.of("a"), asked);
    }

    @Test
    void increment_checkFails_throwsAndDoesNotCount() {
      boolean[] fails = {true};
      MountCounter<String> counter =
          new MountCounter<>(
              id -> {
                if (fails[0]) {
                  throw new DriverException("fake", id, "cannot tell", null);
                }
                return false;
              });
      assertThrows(DriverException.class, () -> counter.increment("a"));
      fails[0] = false;
      assertEquals(Set.of(), counter.mounted());
    }

    @Test
    void increment_byManyThreads_losesNone() throws Exception {
      ExecutorService threads = Executors.newFixedThreadPool(4);
      List<Callable<Void>> tasks = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        tasks.add(
            () -> {
              for (int i = 0; i < 1000; i++) {
                fresh.increment("a");
              }
              return null;
            });
      }
      for (Future<Void> future : threads.invokeAll(tasks)) {
        future.get();
      }
      threads.shutdown();
      assertEquals(4000, fresh.count("a"));
    }
  }

  @Nested
  final class Decrement {

    @Test
    void decrement_afterGetGetPut_keepsTheMountUntilTheNext() throws LayerStoreException {
      fresh.increment("a");
      fresh.increment("a");
      assertEquals(1, fresh.decrement("a"));
      assertEquals(0, fresh.decrement("a"));
    }

    @Test
    void decrement_notMounted_isMinusOneAndCountsNothing() throws LayerStoreException {
      assertEquals(-1, fresh.decrement("a"));
      assertEquals(1, fresh.increment("a"));
    }

    @Test
    void decrement_mountedBefore_isZero() throws LayerStoreException {
      assertEquals(0, premounted.decrement("a"));
    }

    @Test
    void decrement_toZero_forgetsTheKey() throws LayerStoreException {
      fresh.increment("a");
      fresh.decrement("a");
      assertEquals(Set.of(), fresh.mounted());
    }
  }

  @Nested
  final class Count {

    @Test
    void count_notMounted_isZeroAndRemembersNothing() throws LayerStoreException {
      assertEquals(0, fresh.count("a"));
      assertEquals(Set.of(), fresh.mounted());
    }

    @Test
    void count_mountedBefore_isOneAndStays() throws LayerStoreException {
      assertEquals(1, premounted.count("a"));
      assertEquals(2, premounted.increment("a"));
    }
  }

  @Nested
  final class Forget {

    @Test
    void forget_countedTwice_isZero() throws LayerStoreException {
      fresh.increment("a");
      fresh.increment("a");
      fresh.forget("a");
      assertEquals(0, fresh.count("a"));
    }
  }
}
