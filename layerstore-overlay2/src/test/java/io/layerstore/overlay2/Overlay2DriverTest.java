package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.GraphDriver;
import io.layerstore.testing.GraphDriverContract;
import io.layerstore.testing.Machine;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/**
 * The contract of all drivers, as root. It compares owners and devices exactly, which an ordinary
 * user's files do not have; what holds for such a user is in {@link Overlay2StoreTest} and {@link
 * HomeLayoutTest}.
 */
final class Overlay2DriverTest extends GraphDriverContract {

  @TempDir Path directory;

  @Override
  protected DriverTraits traits() {
    return new DriverTraits(true, true, true, true, true, true, false, true, true);
  }

  @Override
  protected Path newRoot() {
    Machine.requireRoot();
    Overlay2Testing.assumeSupported(directory);
    return directory;
  }

  @Override
  protected GraphDriver open(Path root) throws LayerStoreException {
    return new Overlay2DriverProvider().open(Overlay2Testing.context(root));
  }
}
