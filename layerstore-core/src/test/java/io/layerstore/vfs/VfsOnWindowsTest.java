package io.layerstore.vfs;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.LayerStoreException;
import io.layerstore.driver.NaiveDiff;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.NativeDiff;
import io.layerstore.testing.GraphDriverContract;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The contract where many names are not possible, and few links. */
class VfsOnWindowsTest extends GraphDriverContract {

  private final FileSystem memory =
      Jimfs.newFileSystem(
          Configuration.windows().toBuilder()
              .setAttributeViews("basic", "owner", "posix", "unix", "user")
              .setBlockSize(512)
              .build());

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
  protected Path newRoot() throws IOException {
    return Files.createDirectory(memory.getPath("C:\\contract"));
  }

  @Override
  protected void discard(Path newRoot) throws IOException {
    memory.close();
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
