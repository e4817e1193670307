package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.Machine;
import io.layerstore.testing.Tool;
import java.io.InputStream;
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
  protected LayerStore.Builder builder(Path root) {
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
}
