package io.layerstore.vfs;

import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** The contract where many names are not possible, and few links. */
class VfsOnWindowsTest extends VfsContract {

  @Override
  protected Path newRoot() throws IOException {
    FileSystem memory = MemoryFiles.windows();
    return Files.createDirectory(memory.getPath("C:\\contract"));
  }
}
