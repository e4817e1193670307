package io.layerstore.core;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Bombs for a store on disk, as root or as an ordinary user, whoever runs the tests. */
final class BombOnDiskTest extends BombContract {

  @TempDir private Path directory;

  @Override
  Path newRoot() {
    return directory.resolve("store");
  }
}
