package io.layerstore.vfs;

import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.testing.GraphDriverProviderContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The contract of providers on the disk of this machine. */
class VfsProviderOnDiskTest extends GraphDriverProviderContract {

  @TempDir Path directory;

  @Override
  protected GraphDriverProvider newProvider() {
    return new VfsDriverProvider();
  }

  @Override
  protected Path newRoot() throws IOException {
    return Files.createDirectory(directory.resolve("providers"));
  }
}
