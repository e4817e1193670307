package io.layerstore.overlay2;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.LeftoverNamesContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * On overlay2, with a kill of this process and its helpers before every eleventh step, and every
 * step with {@code -Dlayerstore.heavy=true}; a step is a change to a file by Java or a request to a
 * helper.
 */
final class Overlay2LeftoverNamesTest extends LeftoverNamesContract {

  private static final int STRIDE = Boolean.getBoolean("layerstore.heavy") ? 1 : 11;

  @TempDir private Path directory;
  private final ClassLoader before = Thread.currentThread().getContextClassLoader();
  private FaultyLinux linux;

  @BeforeEach
  void makeLinux() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    Path scratch = Files.createDirectory(directory.resolve("scratch"));
    linux = FaultyLinux.inDirectory(scratch);
    Thread.currentThread().setContextClassLoader(FaultyOverlay2Provider.loader(scratch));
  }

  @AfterEach
  void restoreLoader() {
    Thread.currentThread().setContextClassLoader(before);
  }

  @Override
  protected Path root() {
    return directory.resolve("store");
  }

  @Override
  protected String homeAtRest() {
    return "overlay2(/(l(/[A-Z2-7]{26})?|"
        + ID
        + "(-init)?(/(diff(/.*)?|work(/.*)?|link|lower|committed))?))?";
  }

  @Override
  protected Path files(String cacheId) {
    return root().resolve("overlay2").resolve(cacheId).resolve("diff");
  }

  @Override
  protected LayerStore openSound() throws LayerStoreException {
    FaultyOverlay2Provider.use(linux.again());
    return LayerStore.builder(root()).driver("overlay2").durability(Durability.NONE).open();
  }

  @Override
  protected LayerStore openToKill() throws LayerStoreException {
    linux = linux.again();
    FaultyOverlay2Provider.use(linux);
    return LayerStore.builder(linux.files().wrap(root())).driver("overlay2").open();
  }

  @Override
  protected FaultyFileSystem faults() {
    return linux.files();
  }

  @Override
  protected int stride() {
    return STRIDE;
  }
}
