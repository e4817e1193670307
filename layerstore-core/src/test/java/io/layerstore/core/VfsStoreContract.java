package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.Change;
import io.layerstore.DriverException;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.MountOptions;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerOptions;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.LayerStoreContract;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.TestAbortedException;

/** The contract on the {@code vfs} driver. */
abstract class VfsStoreContract extends LayerStoreContract {

  @Override
  protected Set<String> driverDirectories(Path root) throws IOException {
    Set<String> names = new TreeSet<>();
    Path home = root.resolve("vfs/dir");
    if (Files.isDirectory(home)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(home)) {
        entries.forEach(entry -> names.add(entry.getFileName().toString()));
      }
    }
    return names;
  }

  @ParameterizedTest
  @ValueSource(strings = {"a:b", "a,b", "a b", "a\\b", "a%b", "a'b", "-a"})
  void open_rootWithAnOddName_works(String name) throws IOException {
    assertWorks(root().resolveSibling(name));
  }

  @Test
  void open_rootWithANameOutsideAscii_works() throws IOException {
    try {
      assertWorks(root().resolveSibling("\u00e4\u4e2d\ud83d\ude00"));
    } catch (InvalidPathException e) {
      throw new TestAbortedException("the locale has no such names", e);
    }
  }

  @Test
  void open_rootWithALongName_works() throws IOException {
    assertWorks(root().resolveSibling("x".repeat(200)));
  }

  @Test
  void createRWLayer_labelForTheInitLayer_refusedAndNothingLeft() throws IOException {
    RWLayerOptions options =
        RWLayerOptions.builder().mountLabel("system_u:x").initializer(path -> {}).build();
    assertThrows(DriverException.class, () -> store().createRWLayer("rw", options));
    assertEquals(List.of(), store().rwLayers());
    assertEquals(Set.of(), driverDirectories(root()));
  }

  @Test
  void mount_label_refusedAndNotCounted() throws IOException {
    try (RWLayer rw = store().createRWLayer("rw")) {
      MountOptions labelled = MountOptions.builder().mountLabel("system_u:x").build();
      assertThrows(DriverException.class, () -> rw.mount(labelled));
      assertEquals(0, store().rwLayers().get(0).mounts());
    }
  }

  private void assertWorks(Path other) throws IOException {
    byte[] tar = AppendixA.TWO_BASE.bytes();
    try (LayerStore store = builder(other).open();
        Layer layer = store.register(LayerSource.of(tar), RegisterOptions.DEFAULT);
        RWLayer rw = store.createRWLayer("rw", layer.chainId());
        Mount mount = rw.mount();
        InputStream exported = layer.tarStream()) {
      assertArrayEquals(tar, exported.readAllBytes());
      Files.writeString(mount.path().resolve("new"), "1");
      try (Stream<Change> changes = rw.changes()) {
        assertEquals(List.of("A /new"), changes.map(Change::toString).toList());
      }
    }
  }
}
