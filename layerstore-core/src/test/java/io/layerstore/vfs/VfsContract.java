package io.layerstore.vfs;

import io.layerstore.LayerStoreException;
import io.layerstore.driver.NaiveDiff;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.NativeDiff;
import io.layerstore.testing.GraphDriverContract;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The contract on a file system in memory, whatever that can do: all of them keep as much. */
abstract class VfsContract extends GraphDriverContract {

  @Override
  protected DriverTraits traits() {
    return DriverTraits.builder()
        .keepsByteNames(true)
        .isCaseSensitive(true)
        .executesWhiteouts(true)
        .hasPersistentMounts(true)
        .build();
  }

  @Override
  protected void discard(Path newRoot) throws IOException {
    newRoot.getFileSystem().close();
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
