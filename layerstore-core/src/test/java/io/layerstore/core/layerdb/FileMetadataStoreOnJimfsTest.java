package io.layerstore.core.layerdb;

import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;

final class FileMetadataStoreOnJimfsTest extends FileMetadataStoreContract {

  private final FileSystem memory = MemoryFiles.unix();

  @Override
  Path newDirectory() throws IOException {
    return Files.createTempDirectory(Files.createDirectories(memory.getPath("/tmp")), "root");
  }

  @AfterEach
  void close() throws IOException {
    memory.close();
  }
}
