package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.OperationInterruptedException;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreLockedException;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Interrupts at random moments of every operation, a thousand times, and what must still hold
 * afterwards.
 */
final class InterruptTest {

  private static final int INTERRUPTS = 1000;

  @TempDir private Path directory;

  @Test
  void thousandRandomInterrupts_nothingLeftLockHeldMountsWork() throws Exception {
    Path root = directory.resolve("store");
    byte[] tar =
        new TarBuilder()
            .directory("d/")
            .file("d/a", "x".repeat(200_000))
            .file("d/b", "y")
            .symlink("l", "d/a")
            .end()
            .toBytes();
    try (LayerStore store =
        LayerStore.builder(root).driver("vfs").durability(Durability.METADATA).exclusive().open()) {
      Layer base =
          store.register(LayerSource.of(AppendixA.TWO_BASE.bytes()), RegisterOptions.DEFAULT);
      RWLayer rw = store.createRWLayer("rw", base.chainId());
      int interrupted = interruptAtRandom(store, base, tar);

      assertFalse(interrupted == 0, "no interrupt met an operation");
      assertEquals(1, store.layers().size());
      assertEquals(1, store.layers().get(0).usage().handles());
      assertEquals(Set.of(base.cacheId(), rw.mountId()), names(root.resolve("vfs/dir")));
      assertEquals(Set.of(), names(root.resolve("image/vfs/layerdb/tmp")));
      try (Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("new"), "1");
      }
      assertThrows(StoreLockedException.class, () -> LayerStore.open(root));
      assertEquals(0, LockProbe.run(root), "another process could lock the store");
      base.close();
      rw.close();
    }
    assertEquals(10, LockProbe.run(root), "the lock was not given back");
  }

  private static Set<String> names(Path path) throws IOException {
    Set<String> names = new TreeSet<>();
    try (Stream<Path> entries = Files.list(path)) {
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
    }
    return names;
  }

  /**
   * Runs operations in one thread and interrupts it from this one; returns how many operations said
   * so.
   */
  private static int interruptAtRandom(LayerStore store, Layer base, byte[] tar) throws Exception {
    AtomicInteger interrupted = new AtomicInteger();
    AtomicInteger left = new AtomicInteger(INTERRUPTS);
    AtomicInteger failures = new AtomicInteger();
    Throwable[] failure = new Throwable[1];
    CountDownLatch started = new CountDownLatch(1);
    Thread worker =
        new Thread(
            () -> {
              started.countDown();
              int step = 0;
              while (left.get() > 0 && failures.get() == 0) {
                try {
                  operate(store, base, tar, step++);
                } catch (OperationInterruptedException e) {
                  interrupted.incrementAndGet();
                } catch (Throwable e) {
                  failure[0] = e;
                  failures.incrementAndGet();
                }
                Thread.interrupted();
              }
            });
    worker.start();
    started.await();
    Random random = new Random(11);
    while (left.get() > 0 && worker.isAlive()) {
      LockSupport.parkNanos(random.nextInt(3_000_000));
      worker.interrupt();
      left.decrementAndGet();
    }
    worker.join();
    if (failure[0] != null) {
      throw new AssertionError(
          "an operation failed in another way than by the interrupt", failure[0]);
    }
    return interrupted.get();
  }

  private static void operate(LayerStore store, Layer base, byte[] tar, int step)
      throws LayerStoreException {
    switch (step % 3) {
      case 0 -> {
        Layer layer = store.register(LayerSource.of(tar), RegisterOptions.onTopOf(base.chainId()));
        store.release(layer);
      }
      case 1 -> {
        RWLayer rw = store.createRWLayer("worker", base.chainId());
        try (Mount mount = rw.mount()) {
          assertEquals(mount.path(), mount.path());
        }
        store.releaseRWLayer(rw);
      }
      default -> {
        try (InputStream exported = base.tarStream()) {
          assertArrayEquals(AppendixA.TWO_BASE.bytes(), exported.readAllBytes());
        } catch (LayerStoreException e) {
          throw e;
        } catch (IOException e) {
          // A plain channel of the reader's own thread may end so.
          if (!(e instanceof java.nio.channels.ClosedByInterruptException)) {
            throw new AssertionError(e);
          }
        }
      }
    }
  }
}
