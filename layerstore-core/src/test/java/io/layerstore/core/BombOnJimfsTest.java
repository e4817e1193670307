package io.layerstore.core;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;

/** Bombs for a store in memory. */
final class BombOnJimfsTest extends BombContract {

  private final FileSystem memory = Jimfs.newFileSystem(Configuration.unix());

  @Override
  Path newRoot() {
    return memory.getPath("/store");
  }

  @Override
  void discardRoot() throws IOException {
    memory.close();
  }
}
