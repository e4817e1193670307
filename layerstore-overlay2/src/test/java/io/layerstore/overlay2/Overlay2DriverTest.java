package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.GraphDriver;
import io.layerstore.testing.GraphDriverContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/**
 * The contract of all drivers, for whoever runs the tests: an ordinary user's files have one owner,
 * so that the tests can look at them, and no devices among them.
 */
final class Overlay2DriverTest extends GraphDriverContract {

  @TempDir Path directory;

  @Override
  protected DriverTraits traits() {
    boolean isRoot = Overlay2Testing.isRoot();
    return DriverTraits.builder()
        .keepsOwners(isRoot)
        .keepsSpecialModes(true)
        .keepsDevices(isRoot)
        .keepsXattrs(isRoot)
        .keepsByteNames(true)
        .isCaseSensitive(true)
        .hasKernelMounts(true)
        .hasPersistentMounts(isRoot)
        .build();
  }

  @Override
  protected boolean showsWhatFilesLack() {
    return false;
  }

  @Override
  protected Path newRoot() {
    Overlay2Testing.assumeSupported(directory);
    return directory;
  }

  @Override
  protected GraphDriver open(Path root) throws LayerStoreException {
    return new Overlay2DriverProvider()
        .open(Overlay2Testing.context(root, Overlay2Testing.ownIds()));
  }
}
