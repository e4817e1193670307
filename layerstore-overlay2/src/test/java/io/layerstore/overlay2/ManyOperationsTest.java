package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.Heavy;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a store holds of the machine after many operations: as much as after few. In a process of
 * its own, whose descriptors, threads, children and memory are nobody else's.
 */
final class ManyOperationsTest {

  private static final int FEW = 100;

  /** Of each use of the store below. */
  private static final int OPERATIONS = 9;

  /** For code that is still being compiled, and for what the allocator keeps. */
  private static final long SLACK_BYTES = 48L << 20;

  @TempDir private Path directory;

  /**
   * Does so many operations in a store, and tells what it holds after few of them and after all.
   */
  static final class Main {

    private Main() {}

    public static void main(String[] arguments) throws IOException {
      Path root = Path.of(arguments[0]);
      int count = Integer.parseInt(arguments[1]);
      try (LayerStore store =
          LayerStore.builder(root).driver("overlay2").durability(Durability.NONE).open()) {
        Layer base = store.register(LayerSource.of(archive("base")), RegisterOptions.DEFAULT);
        int few = FEW / OPERATIONS;
        int many = count / OPERATIONS;
        for (int i = 1; i <= many; i++) {
          useOnce(store, base.chainId(), i);
          if (i == few || i == many) {
            System.out.println(held());
          }
        }
      }
    }

    private static byte[] archive(String name) {
      return new TarBuilder().directory("d").file("d/" + name, name).end().toBytes();
    }

    /** One of everything that starts, opens or maps something. */
    private static void useOnce(LayerStore store, ChainId base, int number) throws IOException {
      Layer layer =
          store.register(LayerSource.of(archive("n" + number)), RegisterOptions.onTopOf(base));
      try (InputStream tar = layer.tarStream()) {
        tar.transferTo(OutputStream.nullOutputStream());
      }
      RWLayer rw = store.createRWLayer("rw", layer.chainId());
      try (Mount mount = rw.mount()) {
        mount.file("new").writeString("new");
      }
      try (Stream<?> changes = rw.changes()) {
        assertEquals(1, changes.count());
      }
      try (InputStream tar = rw.tarStream()) {
        tar.read(); // The rest is left: an archive may be given up.
      }
      store.releaseRWLayer(rw);
      store.release(layer);
    }

    private static String held() throws IOException {
      System.gc();
      long children = ProcessHandle.current().descendants().count();
      long threads = ManagementFactory.getThreadMXBean().getThreadCount();
      return descriptors() + " " + threads + " " + children + " " + residentBytes();
    }

    private static long descriptors() throws IOException {
      try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
        return open.count();
      }
    }

    /** What this process and its children have in memory that is no file. */
    private static long residentBytes() throws IOException {
      List<Long> pids =
          Stream.concat(Stream.of(ProcessHandle.current()), ProcessHandle.current().descendants())
              .map(ProcessHandle::pid)
              .toList();
      long kilobytes = 0;
      for (long pid : pids) {
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
          if (line.startsWith("RssAnon:")) {
            kilobytes += Long.parseLong(line.replaceAll("\\D", ""));
          }
        }
      }
      return kilobytes << 10;
    }
  }

  private void assertHoldsNoMoreAfter(int operations) throws Exception {
    Overlay2Testing.assumeSupported(directory);
    // A heap that has its full size from the beginning does not look like memory that grows.
    Tool.Result result =
        ChildJvm.run(
            List.of("-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC"),
            Main.class,
            directory.resolve("store"),
            operations);
    List<String> held = result.lines();
    assertEquals(2, held.size(), result::toString);
    long[] few = numbers(held.get(0));
    long[] many = numbers(held.get(1));
    String both = "descriptors, threads, children, bytes: " + held;
    // The machine under the test opens a jar or begins a compiler's thread of its own now and then.
    assertTrue(many[0] <= few[0] + 4, both);
    assertTrue(many[1] <= few[1] + 4, both);
    assertTrue(many[2] <= few[2], both);
    assertTrue(many[3] <= few[3] + SLACK_BYTES, both);
  }

  private static long[] numbers(String line) {
    return Stream.of(line.split(" ")).mapToLong(Long::parseLong).toArray();
  }

  @Test
  void operations_aThousand_holdAsMuchAsAHundred() throws Exception {
    assertHoldsNoMoreAfter(10 * FEW);
  }

  @Test
  @Heavy
  void operations_tenThousand_holdAsMuchAsAHundred() throws Exception {
    assertHoldsNoMoreAfter(100 * FEW);
  }
}
