package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.OperationInterruptedException;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several threads and several stores on one root at a time. */
final class StoreConcurrencyTest {

  private static final int LAYERS = 64;
  private static final int THREADS = 8;
  private static final int ROUNDS = Boolean.getBoolean("layerstore.heavy") ? 1000 : 50;
  private static final String SECRET = "belongs to the host";

  private final FileSystem memory = Jimfs.newFileSystem(Configuration.unix());
  private final Path root = memory.getPath("/store");

  @AfterEach
  void closeMemory() throws IOException {
    memory.close();
  }

  private LayerStore open() throws IOException {
    return LayerStore.builder(root).durability(Durability.NONE).open();
  }

  private static byte[] tar(int number) {
    return new TarBuilder().file("f" + number, "content of " + number).end().toBytes();
  }

  @Test
  void layers_readOnlyStoreWhileAnotherRegisters_everyListIsAWholePrefix() throws Exception {
    try (LayerStore writer = open();
        LayerStore reader = LayerStore.builder(root).readOnly(true).open()) {
      List<ChainId> registered = new ArrayList<>();
      AtomicBoolean isDone = new AtomicBoolean();
      List<Set<ChainId>> lists = new ArrayList<>();
      AtomicReference<Throwable> failure = new AtomicReference<>();
      CountDownLatch started = new CountDownLatch(1);
      Thread listing =
          new Thread(
              () -> {
                try {
                  while (!isDone.get()) {
                    Set<ChainId> ids = new HashSet<>();
                    reader.layers().forEach(layer -> ids.add(layer.chainId()));
                    lists.add(ids);
                    started.countDown();
                  }
                } catch (RuntimeException | Error e) {
                  failure.set(e);
                } finally {
                  started.countDown();
                }
              });
      listing.start();
      try {
        started.await();
        ChainId parent = null;
        for (int i = 0; i < 100; i++) {
          try (Layer layer =
              writer.register(LayerSource.of(tar(i)), RegisterOptions.onTopOf(parent))) {
            parent = layer.chainId();
            registered.add(parent);
          }
        }
      } finally {
        isDone.set(true);
        listing.join();
      }
      assertNull(failure.get());
      for (Set<ChainId> ids : lists) {
        assertEquals(new HashSet<>(registered.subList(0, ids.size())), ids);
      }
      assertEquals(100, reader.layers().size());
    }
  }

  @Test
  void register_manyThreadsInterruptedAtRandom_nothingIsLostOrLeft() throws Exception {
    try (LayerStore store = open()) {
      List<Thread> threads = new ArrayList<>();
      List<Throwable> failures = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int first = i;
        threads.add(
            new Thread(
                () -> {
                  try {
                    registerSome(store, first);
                  } catch (IOException | RuntimeException | Error e) {
                    synchronized (failures) {
                      failures.add(e);
                    }
                  }
                }));
      }
      threads.forEach(Thread::start);
      Random random = new Random(3);
      for (int i = 0; i < 500; i++) {
        threads.get(random.nextInt(THREADS)).interrupt();
        LockSupport.parkNanos(random.nextInt(200_000));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(List.of(), failures);
      assertEquals(LAYERS, store.layers().size());
      Set<String> cacheIds = new HashSet<>();
      for (LayerInfo info : store.layers()) {
        cacheIds.add(info.cacheId());
        assertEquals(0, info.usage().handles());
        try (Layer layer = store.get(info.chainId());
            InputStream exported = layer.tarStream()) {
          assertTrue(exported.readAllBytes().length > 0);
        }
      }
      assertEquals(cacheIds, names(root.resolve("vfs/dir")));
      assertEquals(Set.of(), names(root.resolve("image/vfs/layerdb/tmp")));
    }
  }

  /** Registers every eighth layer, each until it is not interrupted. */
  private static void registerSome(LayerStore store, int first) throws IOException {
    for (int i = first; i < LAYERS; i += THREADS) {
      while (true) {
        try {
          store.register(LayerSource.of(tar(i)), RegisterOptions.DEFAULT).close();
          break;
        } catch (OperationInterruptedException e) {
          Thread.interrupted();
        }
      }
    }
    Thread.interrupted();
  }

  private static Set<String> names(Path directory) throws IOException {
    Set<String> names = new HashSet<>();
    try (Stream<Path> entries = Files.list(directory)) {
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
    }
    return names;
  }

  @Test
  void tarStream_whileTheContainerSwapsDirectoryAndLinkOnDisk_showsNothingOfTheHost(
      @TempDir Path directory) throws Exception {
    assertShowsNothingOfTheHost(directory);
  }

  @Test
  void tarStream_whileTheContainerSwapsDirectoryAndLinkInMemory_showsNothingOfTheHost()
      throws Exception {
    assertShowsNothingOfTheHost(Files.createDirectory(memory.getPath("/other")));
  }

  private static void assertShowsNothingOfTheHost(Path place) throws Exception {
    Path outside = Files.createDirectory(place.resolve("outside"));
    Files.writeString(outside.resolve("file"), SECRET);
    Files.writeString(outside.resolve("host-only"), SECRET);
    try (LayerStore store =
            LayerStore.builder(place.resolve("store"))
                .driver("vfs")
                .durability(Durability.NONE)
                .open();
        RWLayer rw = store.createRWLayer("rw");
        Mount mount = rw.mount()) {
      Path swapped = Files.createDirectory(mount.path().resolve("d"));
      Files.writeString(swapped.resolve("file"), "belongs to the layer"); // as long as the secret
      AtomicBoolean isDone = new AtomicBoolean();
      Thread container = new Thread(() -> swap(swapped, outside, isDone));
      container.start();
      try {
        for (int i = 0; i < ROUNDS; i++) {
          assertShowsNothingOfTheHost(rw);
        }
      } finally {
        isDone.set(true);
        container.join();
      }
    }
  }

  private static void assertShowsNothingOfTheHost(RWLayer rw) {
    try (InputStream archive = rw.tarStream()) {
      String shown = new String(archive.readAllBytes(), StandardCharsets.ISO_8859_1);
      assertFalse(shown.contains(SECRET), "the archive has content of the host");
      assertFalse(shown.contains("host-only"), "the archive has names of the host");
    } catch (IOException e) {
      // That somebody changes the layer meanwhile is a reason to fail.
    }
  }

  private static void swap(Path name, Path target, AtomicBoolean isDone) {
    Path aside = name.resolveSibling("aside");
    while (!isDone.get()) {
      try {
        Files.move(name, aside, StandardCopyOption.ATOMIC_MOVE);
        Files.createSymbolicLink(name, target);
        Files.delete(name);
        Files.move(aside, name, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        // Nobody else changes anything here, so this shows in the next assertion.
        assertFalse(Files.exists(aside, LinkOption.NOFOLLOW_LINKS), e.toString());
      }
    }
  }
}
