package io.layerstore.core;

import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;

/** Damaged stores on an in-memory root. */
final class DamagedStoreOnJimfsTest extends DamagedStoreContract {

  private final FileSystem memory = MemoryFiles.unix();

  @Override
  Path newDirectory() throws IOException {
    return Files.createDirectory(memory.getPath("/test"));
  }

  @AfterEach
  void closeMemory() throws IOException {
    memory.close();
  }
}
