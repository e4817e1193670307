package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ArchiveException.Kind;
import io.layerstore.Change;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.LibraryThreads;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a store holds of the machine while it is open, it gives back when it is closed. */
final class StoreResourcesTest {

  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final int CYCLES = 8;

  /** A hard link to AUFS metadata makes the store use a temporary file. */
  private static final byte[] AUFS =
      new TarBuilder()
          .directory(".wh..wh.plnk")
          .file(".wh..wh.plnk/1.2", "x")
          .hardLink("linked", ".wh..wh.plnk/1.2")
          .end()
          .toBytes();

  @TempDir private Path directory;

  /** Everything a store can do, some of it failing, and some of it left open. */
  private static void useStore(Path root) throws IOException {
    try (LayerStore store = LayerStore.builder(root).driver("vfs").open()) {
      Layer base =
          store.register(LayerSource.of(AppendixA.TWO_BASE.bytes()), RegisterOptions.DEFAULT);
      store.register(LayerSource.of(AUFS), RegisterOptions.DEFAULT).close();
      byte[] bad = new TarBuilder().file("a", "1").file("../b", "2").end().toBytes();
      assertThrows(
          IOException.class,
          () -> store.register(LayerSource.of(bad), RegisterOptions.onTopOf(base.chainId())));
      byte[] cut = java.util.Arrays.copyOf(bad, 300);
      Refusals.assertRefused(
          Kind.MALFORMED, () -> store.register(LayerSource.of(cut), RegisterOptions.DEFAULT));
      RWLayer rw = store.createRWLayer("rw", base.chainId());
      try (Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("new"), "1");
      }
      try (Stream<Change> changes = rw.changes()) {
        assertTrue(changes.count() > 0);
      }
      store.release(rw.commit());
      try (InputStream diff = rw.tarStream()) {
        diff.transferTo(OutputStream.nullOutputStream());
      }
      store.releaseRWLayer(rw);
      store.rwLayers().forEach(left -> assertEquals("other", left.name()));
      RWLayer other =
          store.rwLayers().isEmpty()
              ? store.createRWLayer("other", base.chainId())
              : store.getRWLayer("other");
      // Nobody closes these but the store.
      assertTrue(base.tarStream().read() >= 0);
      assertTrue(base.tarStreamFrom(null).read() >= 0);
      assertTrue(other.changes().findAny().isEmpty());
      assertTrue(other.tarStream().read() >= 0);
      assertTrue(Files.isDirectory(base.mount().path()));
    }
  }

  private static List<String> descriptors() throws IOException {
    List<String> targets = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(DESCRIPTORS)) {
      for (Path entry : entries) {
        try {
          targets.add(Files.readSymbolicLink(entry).toString());
        } catch (NoSuchFileException e) {
          // That of the listing itself, or of another thread.
        }
      }
    }
    return targets;
  }

  /** Uses a store in a process of its own, whose temporary files are nobody else's. */
  static final class Main {

    private Main() {}

    public static void main(String[] arguments) throws IOException {
      useStore(Path.of(arguments[0]));
    }
  }

  @Test
  void close_storeThatWasUsed_leavesNoDescriptor() throws IOException {
    assumeTrue(Files.isReadable(DESCRIPTORS), "needs " + DESCRIPTORS);
    useStore(directory);
    int before = descriptors().size();
    for (int i = 0; i < CYCLES; i++) {
      useStore(directory);
    }
    List<String> after = descriptors();
    String place = directory.toRealPath().toString();
    assertEquals(List.of(), after.stream().filter(target -> target.startsWith(place)).toList());
    // The machine under the test may open a jar of its own meanwhile; a leak would be in each use.
    assertTrue(after.size() < before + CYCLES, before + " before, now " + after);
  }

  @Test
  void close_storeThatWasUsed_leavesNoThread() throws IOException {
    LibraryThreads threads = LibraryThreads.now();
    useStore(directory);
    assertEquals(List.of(), threads.begunSince());
  }

  @Test
  void close_storeThatWasUsed_leavesNoTemporaryFile() throws Exception {
    Path temporary = Files.createDirectory(directory.resolve("temporary"));
    ChildJvm.run(List.of("-Djava.io.tmpdir=" + temporary), Main.class, directory.resolve("store"));
    try (Stream<Path> left = Files.list(temporary)) {
      assertEquals(List.of(), left.toList());
    }
  }
}
