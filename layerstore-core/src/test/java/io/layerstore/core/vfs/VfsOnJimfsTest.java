package io.layerstore.core.vfs;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.GraphDriver;
import io.layerstore.testing.GraphDriverContract;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;

/** The contract in memory. */
class VfsOnJimfsTest extends GraphDriverContract {

  private FileSystem fileSystem;

  @AfterEach
  void forget() {
    // Closed would be too early: the contract looks at it after this.
    fileSystem = null;
  }

  @Override
  protected DriverTraits traits() {
    return new DriverTraits(false, false, false, false, true, true, true, false, true);
  }

  @Override
  protected Path newRoot() throws IOException {
    fileSystem = VfsTesting.jimfs();
    return Files.createDirectory(fileSystem.getPath("/contract"));
  }

  @Override
  protected GraphDriver open(Path root) throws LayerStoreException {
    return VfsTesting.open(root);
  }
}
