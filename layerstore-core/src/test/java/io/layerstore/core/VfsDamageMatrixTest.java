package io.layerstore.core;

import io.layerstore.testing.DamageMatrixContract;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** Damages to a store of the vfs driver. */
final class VfsDamageMatrixTest extends DamageMatrixContract {

  @Override
  protected String driver() {
    return "vfs";
  }

  @Override
  protected Path newDirectory() throws IOException {
    FileSystem memory = MemoryFiles.unix();
    return Files.createDirectory(memory.getPath("/test"));
  }

  @Override
  protected void copy(Path from, Path to) throws IOException {
    copyTree(from, to);
  }
}
