package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.MountOptions;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.GraphDriver;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The driver with many mounts: one after the other, at once, and of many layers. */
final class ManyMountsTest {

  private static final int THREADS = 8;
  private static final int ROUNDS = 40;
  private static final int LAYERS = 5;

  @TempDir Path root;
  private Path home;
  private final Set<ProcessHandle> others = Overlay2Testing.mountHelpers();
  private GraphDriver driver;

  @BeforeEach
  void openDriver() throws IOException {
    Overlay2Testing.assumeSupported(root);
    open(root);
  }

  private void open(Path place) throws IOException {
    root = place;
    home = root.resolve("overlay2");
    driver = new Overlay2DriverProvider().open(Overlay2Testing.context(root));
  }

  @AfterEach
  void closeDriver() throws IOException {
    if (driver != null) {
      driver.close();
    }
  }

  private static long countOf(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.count();
    }
  }

  private void mountAndUnmount(String id) throws IOException {
    Path merged = driver.mount(id, MountOptions.DEFAULT);
    assertEquals("lower", Files.readString(merged.resolve("lower")));
    driver.unmount(id);
  }

  /** Hundreds, of which many share a layer with another. */
  private void mountFromManyThreads() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Callable<Void>> tasks = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int first = i;
        tasks.add(
            () -> {
              for (int round = 0; round < ROUNDS; round++) {
                mountAndUnmount("rw" + (first + round) % LAYERS);
              }
              return null;
            });
      }
      for (Future<Void> done : threads.invokeAll(tasks)) {
        done.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void mount_hundredsFromManyThreads_leaveNoMountProcessOrDescriptor() throws Exception {
    driver.create("base", null, CreateOptions.DEFAULT);
    Files.writeString(home.resolve("base/diff/lower"), "lower");
    for (int i = 0; i < LAYERS; i++) {
      driver.createReadWrite("rw" + i, "base", CreateOptions.DEFAULT);
      mountAndUnmount("rw" + i);
    }
    Set<ProcessHandle> helpers = Overlay2Testing.mountHelpers();
    helpers.removeAll(others);
    assertEquals(1, helpers.size());
    Path own = Path.of("/proc/self/fd");
    Path ofHelper = Path.of("/proc", Long.toString(helpers.iterator().next().pid()), "fd");
    long before = countOf(own);
    long beforeInHelper = countOf(ofHelper);
    mountFromManyThreads();
    assertEquals(List.of(), Overlay2Testing.mountsBelow(root));
    for (int i = 0; i < LAYERS; i++) {
      assertFalse(Files.exists(home.resolve("rw" + i).resolve("merged")));
    }
    assertEquals(beforeInHelper, countOf(ofHelper));
    // The JVM may open files of its own meanwhile, but not one for each mount.
    assertTrue(countOf(own) < before + ROUNDS, () -> "descriptors before: " + before);
    helpers.addAll(others);
    assertTrue(helpers.containsAll(Overlay2Testing.mountHelpers()));
    driver.close();
    assertTrue(others.containsAll(Overlay2Testing.mountHelpers()));
  }

  @Test
  void mount_125LayersBelowRootOf200Bytes_showsAll() throws IOException {
    driver.close();
    // As a URI, so that it is the same whatever the encoding of this JVM.
    String odd = "a:b,c%5Cd%20e%20%22f%22%20caf%C3%A9" + "x".repeat(200 - 20);
    open(Files.createDirectories(Path.of(URI.create(root.toUri() + odd))));
    String parent = null;
    for (int i = 0; i < 125; i++) {
      String id = "layer" + i;
      driver.create(id, parent, CreateOptions.DEFAULT);
      Files.writeString(home.resolve(id).resolve("diff").resolve("f" + i), id);
      Files.writeString(home.resolve(id).resolve("diff").resolve("top"), id);
      parent = id;
    }
    driver.createReadWrite("rw", parent, CreateOptions.DEFAULT);
    Path merged = driver.mount("rw", MountOptions.DEFAULT);
    assertEquals(126, countOf(merged));
    assertEquals("layer0", Files.readString(merged.resolve("f0")));
    assertEquals("layer124", Files.readString(merged.resolve("top")));
    driver.unmount("rw");
    driver.remove("rw");
  }
}
