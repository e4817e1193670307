package io.layerstore.vfs;

import io.layerstore.LayerStoreException;
import io.layerstore.driver.NaiveDiff;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.NativeDiff;
import io.layerstore.testing.GraphDriverContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;

/** The contract on the disk of this machine, as whoever runs the tests. */
class VfsOnDiskTest extends GraphDriverContract {

  @TempDir Path directory;

  @Override
  protected DriverTraits traits() {
    try {
      boolean isRoot = VfsTesting.isRoot(directory.getParent());
      return DriverTraits.builder()
          .keepsOwners(isRoot)
          .keepsSpecialModes(isRoot)
          .keepsByteNames(true)
          .isCaseSensitive(true)
          .executesWhiteouts(true)
          .hasPersistentMounts(true)
          .build();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  protected Path newRoot() throws IOException {
    return Files.createDirectory(directory.resolve("contract"));
  }

  @Override
  protected GraphDriver open(Path root) throws LayerStoreException {
    return VfsTesting.open(root);
  }

  @Override
  protected Optional<NativeDiff> diff(GraphDriver driver, String id, @Nullable String parent) {
    return Optional.of(NaiveDiff.of(driver, id, parent));
  }
}
