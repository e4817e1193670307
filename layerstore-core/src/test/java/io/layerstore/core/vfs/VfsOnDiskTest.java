package io.layerstore.core.vfs;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.GraphDriver;
import io.layerstore.testing.GraphDriverContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The contract on the disk of this machine, as whoever runs the tests. */
class VfsOnDiskTest extends GraphDriverContract {

  @TempDir Path directory;

  @Override
  protected DriverTraits traits() {
    try {
      boolean isRoot = VfsTesting.isRoot(directory.getParent());
      return new DriverTraits(isRoot, isRoot, false, false, true, true, true, false, true);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  protected Path newRoot() throws IOException {
    return Files.createDirectory(directory.resolve("contract"));
  }

  @Override
  protected GraphDriver open(Path root) throws LayerStoreException {
    return VfsTesting.open(root);
  }
}
