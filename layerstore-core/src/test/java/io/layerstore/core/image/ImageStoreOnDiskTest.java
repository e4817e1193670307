package io.layerstore.core.image;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.ImageStoreContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The images of a {@code vfs} store on disk, as root or as an ordinary user. */
final class ImageStoreOnDiskTest extends ImageStoreContract {

  @TempDir private Path directory;

  @Override
  protected Path newRoot() {
    return directory.resolve("store");
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE);
  }
}
