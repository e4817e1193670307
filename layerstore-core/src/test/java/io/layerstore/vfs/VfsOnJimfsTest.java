package io.layerstore.vfs;

import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The contract in memory. */
class VfsOnJimfsTest extends VfsContract {

  @Override
  protected Path newRoot() throws IOException {
    return Files.createDirectory(MemoryFiles.unix().getPath("/contract"));
  }
}
