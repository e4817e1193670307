package io.layerstore.vfs;

import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** The contract where names that differ in case or Unicode form only are one. */
class VfsOnMacTest extends VfsContract {

  @Override
  protected Path newRoot() throws IOException {
    FileSystem memory = MemoryFiles.mac();
    return Files.createDirectory(memory.getPath("/contract"));
  }
}
