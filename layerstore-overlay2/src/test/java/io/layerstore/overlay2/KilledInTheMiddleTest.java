package io.layerstore.overlay2;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerInfo;
import io.layerstore.RWLayerOptions;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.TarBuilder;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.SequenceInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that is killed in the middle of everything at once: one layer half registered, one
 * read-write layer half made with its initializer at work in a mount, another one mounted.
 */
final class KilledInTheMiddleTest {

  private static final byte[] BASE = new TarBuilder().file("base", "b").end().toBytes();
  private static final ChainId BASE_ID = ChainId.of(null, new DiffId(Digest.sha256Of(BASE)));
  private static final @Nullable ChainId NO_PARENT = null;

  @TempDir Path directory;
  private Path root;

  @BeforeEach
  void requireDriver() {
    Overlay2Testing.assumeSupported(directory);
    root = directory.resolve("store");
  }

  private static LayerStore open(Path root) throws LayerStoreException {
    return LayerStore.builder(root).driver("overlay2").durability(Durability.NONE).open();
  }

  /** What is killed: says a line when it is in the middle, and stays there. */
  static final class Victim {

    private static final CountDownLatch IN_THE_MIDDLE = new CountDownLatch(2);

    public static void main(String[] arguments) throws Exception {
      try (LayerStore store = open(Path.of(arguments[0]))) {
        store.register(new ByteArrayInputStream(BASE), NO_PARENT).close();
        RWLayer kept = store.createRWLayer("kept", BASE_ID);
        Mount mount = kept.mount();
        Files.writeString(mount.path().resolve("written"), "w");
        start(() -> store.register(halfAnArchive(), BASE_ID));
        start(
            () ->
                store.createRWLayer(
                    "half", stuckInitializer().toBuilder().parent(BASE_ID).build()));
        IN_THE_MIDDLE.await();
        System.out.println("ready");
        System.in.read();
      }
    }

    private interface Work {
      void run() throws IOException;
    }

    private static void start(Work work) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  work.run();
                } catch (IOException e) {
                  e.printStackTrace();
                  Runtime.getRuntime().halt(1);
                }
              });
      thread.setDaemon(true);
      thread.start();
    }

    private static InputStream halfAnArchive() {
      TarBuilder half = new TarBuilder();
      for (int i = 0; i < 500; i++) {
        half.file("d/" + i, "x".repeat(1000));
      }
      InputStream stuck =
          new InputStream() {
            @Override
            public int read() {
              return stay();
            }

            @Override
            public int read(byte[] bytes, int offset, int length) {
              return stay();
            }
          };
      return new SequenceInputStream(new ByteArrayInputStream(half.toBytes()), stuck);
    }

    private static RWLayerOptions stuckInitializer() {
      return RWLayerOptions.builder()
          .initializer(
              path -> {
                Files.writeString(path.resolve("init"), "1");
                stay();
              })
          .build();
    }

    private static int stay() {
      IN_THE_MIDDLE.countDown();
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return -1;
    }
  }

  @Test
  void open_processKilled_helpersEndAndNothingIsHalf() throws Exception {
    kill(false);
    assertSound();
  }

  @Test
  void open_processAndHelpersKilled_nothingIsHalf() throws Exception {
    kill(true);
    assertSound();
  }

  /** Kills a process in the middle; when this returns, none of its helpers is there any more. */
  private void kill(boolean withHelpers) throws Exception {
    Process victim = ChildJvm.start(Victim.class, root);
    List<ProcessHandle> helpers;
    try (BufferedReader output =
        new BufferedReader(new InputStreamReader(victim.getInputStream(), US_ASCII))) {
      assertEquals("ready", output.readLine());
      try (Stream<ProcessHandle> descendants = victim.toHandle().descendants()) {
        helpers = descendants.toList();
      }
    } finally {
      victim.destroyForcibly();
      victim.waitFor();
    }
    assertFalse(helpers.isEmpty());
    for (ProcessHandle helper : helpers) {
      if (withHelpers) {
        helper.destroyForcibly();
      }
      while (helper.isAlive() && !isZombie(helper.pid())) {
        Thread.onSpinWait();
      }
    }
  }

  /** Whether a process has ended and its new parent, the init of this system, does not care. */
  private static boolean isZombie(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"), ISO_8859_1);
      return stat.charAt(stat.lastIndexOf(')') + 2) == 'Z';
    } catch (IOException e) {
      return true; // It is not even there any more.
    }
  }

  private void assertSound() throws IOException {
    try (LayerStore store = open(root)) {
      assertEquals(List.of(BASE_ID), store.layers().stream().map(LayerInfo::chainId).toList());
      assertEquals(List.of("kept"), store.rwLayers().stream().map(RWLayerInfo::name).toList());
      assertEquals(3, names(root.resolve("overlay2")).size(), "two layers and l");
      assertEquals(List.of(), names(root.resolve("image/overlay2/layerdb/tmp")));
      assertEquals(List.of(), Overlay2Testing.mountsBelow(root));
      RWLayer kept = store.getRWLayer("kept");
      try (Mount mount = kept.mount();
          Layer base = store.get(BASE_ID);
          InputStream exported = base.tarStream()) {
        assertEquals("w", Files.readString(mount.path().resolve("written")));
        assertEquals("b", Files.readString(mount.path().resolve("base")));
        assertArrayEquals(BASE, exported.readAllBytes());
      }
      assertEquals(1, store.releaseRWLayer(kept).size());
    }
    assertEquals(List.of("l"), names(root.resolve("overlay2")));
    assertEquals(List.of(), names(root.resolve("overlay2/l")));
    assertEquals(List.of(), Overlay2Testing.mountsBelow(root));
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
    }
  }
}
