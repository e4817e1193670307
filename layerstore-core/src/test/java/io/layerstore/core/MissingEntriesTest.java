package io.layerstore.core;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.testing.MissingEntriesContract;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;

/** On vfs. */
final class MissingEntriesTest extends MissingEntriesContract {

  private final FileSystem memory = Jimfs.newFileSystem(Configuration.unix());

  @AfterEach
  void closeMemory() throws IOException {
    memory.close();
  }

  @Override
  protected LayerStore open() throws LayerStoreException {
    return LayerStore.open(memory.getPath("/store"));
  }

  @Override
  protected Path files(String cacheId) {
    return memory.getPath("/store/vfs/dir", cacheId);
  }
}
