package io.layerstore.core;

import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.LeftoverNamesContract;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;

/** On vfs, with a kill before each change to a file. */
final class LeftoverNamesTest extends LeftoverNamesContract {

  private final FileSystem memory = MemoryFiles.unix();
  private FaultyFileSystem faulty = FaultyFileSystem.over(memory);

  @AfterEach
  void closeMemory() throws IOException {
    memory.close();
  }

  @Override
  protected Path root() {
    return memory.getPath("/store");
  }

  @Override
  protected String homeAtRest() {
    return "vfs(/(staging|dir(/" + ID + "(-init)?(/.*)?)?|attributes(/" + ID + "(-init)?)?))?";
  }

  @Override
  protected Path files(String cacheId) {
    return root().resolve("vfs/dir").resolve(cacheId);
  }

  @Override
  protected LayerStore openSound() throws LayerStoreException {
    return LayerStore.open(root());
  }

  @Override
  protected LayerStore openToKill() throws LayerStoreException {
    faulty = FaultyFileSystem.over(memory);
    return LayerStore.open(faulty.wrap(root()));
  }

  @Override
  protected FaultyFileSystem faults() {
    return faulty;
  }

  @Override
  protected int stride() {
    return 1;
  }
}
