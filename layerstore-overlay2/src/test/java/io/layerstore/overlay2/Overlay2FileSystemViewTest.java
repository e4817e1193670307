package io.layerstore.overlay2;

import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.RegisterOptions;
import io.layerstore.ViewOptions;
import io.layerstore.testing.FileSystemViewContract;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.io.TempDir;

/** The contract of views for layers of overlay2, as root or as an ordinary user. */
final class Overlay2FileSystemViewTest extends FileSystemViewContract {

  @TempDir static Path directory;
  private @Nullable LayerStore store;

  @Override
  protected FileSystem open(List<byte[]> layers, ViewOptions options) throws IOException {
    Overlay2Testing.assumeSupported(directory);
    if (store == null) {
      store =
          LayerStore.builder(directory.resolve("store"))
              .driver("overlay2")
              .durability(Durability.NONE)
              .open();
    }
    Layer top = null;
    for (byte[] layer : layers) {
      top =
          store.register(
              LayerSource.of(layer), RegisterOptions.onTopOf(top == null ? null : top.chainId()));
    }
    try (Layer held = top) {
      return held.fileSystem(options);
    }
  }

  @AfterAll
  void closeStore() throws IOException {
    if (store != null) {
      store.close();
    }
  }
}
