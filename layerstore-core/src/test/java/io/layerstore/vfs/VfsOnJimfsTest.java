package io.layerstore.vfs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The contract in memory. */
class VfsOnJimfsTest extends VfsContract {

  @Override
  protected Path newRoot() throws IOException {
    return Files.createDirectory(VfsTesting.jimfs().getPath("/contract"));
  }
}
