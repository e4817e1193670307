package io.layerstore.core.docker;

import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.DockerRecordsContract;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;

/** On an in-memory root with the {@code vfs} driver. */
final class VfsDockerRecordsTest extends DockerRecordsContract {

  private final FileSystem memory = MemoryFiles.unix();

  @Override
  protected Path newRoot() {
    return memory.getPath("/data/store");
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs");
  }

  @AfterEach
  void discardRoot() throws IOException {
    memory.close();
  }
}
