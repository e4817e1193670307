package io.layerstore.vfs;

import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.testing.GraphDriverProviderContract;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The contract of providers in memory. */
class VfsProviderOnJimfsTest extends GraphDriverProviderContract {

  @Override
  protected GraphDriverProvider newProvider() {
    return new VfsDriverProvider();
  }

  @Override
  protected Path newRoot() throws IOException {
    return Files.createDirectory(MemoryFiles.unix().getPath("/store"));
  }
}
