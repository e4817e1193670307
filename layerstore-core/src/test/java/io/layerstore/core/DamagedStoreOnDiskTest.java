package io.layerstore.core;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Damaged stores on disk, as root or as an ordinary user, whoever runs the tests. */
final class DamagedStoreOnDiskTest extends DamagedStoreContract {

  @TempDir private Path temporary;

  @Override
  Path newDirectory() throws IOException {
    return Files.createDirectory(temporary.resolve("test"));
  }
}
