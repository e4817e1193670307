package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.IdMapping;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreOptions;
import io.layerstore.spi.UnmappableIdException;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.Machine;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import io.layerstore.testing.Tool;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The store on disk, as root or as an ordinary user, whoever runs the tests. */
final class VfsStoreOnDiskTest extends VfsStoreContract {

  @TempDir private Path directory;

  @Override
  protected Path newRoot() {
    return directory.resolve("store");
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs");
  }

  @Test
  void open_readOnlyFileSystemWhileTheStoreIsWritten_readsWork(@TempDir Path view)
      throws Exception {
    Machine.requireRoot();
    Tool mount = Tool.require("mount");
    byte[] tar = AppendixA.TWO_BASE.bytes();
    mount.run("--bind", root(), view);
    try {
      mount.run("-o", "remount,bind,ro", view);
      try (LayerStore reader = builder(view).readOnly(true).open();
          Layer layer = store().register(LayerSource.of(tar), RegisterOptions.DEFAULT);
          Layer read = reader.get(layer.chainId());
          InputStream exported = read.tarStream()) {
        assertArrayEquals(tar, exported.readAllBytes());
        assertEquals(1, reader.layers().size());
      }
    } finally {
      Tool.require("umount").run(view);
    }
  }

  @Test
  void open_idMapping_shiftsOwnersOnDiskAndNotInArchives() throws Exception {
    Machine.requireRoot();
    IdMapping mapping =
        new IdMapping(
            IdMapping.parseRanges("0:100000:65536"), IdMapping.parseRanges("0:200000:65536"));
    byte[] tar =
        new TarBuilder().file(TarHeaderBlock.named("a").uid(5).gid(6), "1").end().toBytes();
    byte[] outside = new TarBuilder().file(TarHeaderBlock.named("b").uid(70_000), "").toBytes();
    try (LayerStore mapped = builder(directory.resolve("mapped")).idMapping(mapping).open();
        Layer layer = mapped.register(LayerSource.of(tar), RegisterOptions.DEFAULT);
        RWLayer rw = mapped.createRWLayer("rw", layer.chainId())) {
      try (Mount mount = rw.mount()) {
        Path file = mount.path().resolve("a");
        assertEquals(100_005, Files.getAttribute(file, "unix:uid"));
        assertEquals(200_006, Files.getAttribute(file, "unix:gid"));
        Files.writeString(file, "2");
      }
      try (Layer top = rw.commit();
          InputStream below = layer.tarStream();
          InputStream above = top.tarStream()) {
        assertArrayEquals(tar, below.readAllBytes());
        String header = new String(above.readNBytes(512), StandardCharsets.ISO_8859_1);
        assertEquals("0000005\0" + "0000006\0", header.substring(108, 124));
      }
      assertThrows(
          UnmappableIdException.class,
          () -> mapped.register(LayerSource.of(outside), RegisterOptions.DEFAULT));
      assertEquals(2, mapped.layers().size());
    }
  }
}
