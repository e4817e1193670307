package io.layerstore.vfs;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.spi.ProbeResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Makes the {@code vfs} driver, which keeps every layer as a whole directory tree and works on any
 * file system in which files can be made and renamed.
 */
public final class VfsDriverProvider implements GraphDriverProvider {

  static final String NAME = "vfs";

  /** Does nothing. */
  public VfsDriverProvider() {}

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public ProbeResult probe(DriverContext context) {
    Path place = nearestDirectory(context.home());
    if (place == null) {
      return ProbeResult.unsupported(
          "there is no directory at or above " + context.home() + "; create the store's root");
    }
    try {
      if (!context.readOnly()) {
        tryIn(place);
      }
      return ProbeResult.supported("files on " + Files.getFileStore(place).type());
    } catch (IOException | SecurityException e) {
      return ProbeResult.unsupported(
          "cannot make files in " + place + " (" + e + "); choose another root");
    }
  }

  private static void tryIn(Path place) throws IOException {
    Path trial = Files.createTempDirectory(place, ".layerstore-probe");
    try {
      FileSystemProbe.write(trial);
    } finally {
      Staging.delete(trial);
    }
  }

  private static @Nullable Path nearestDirectory(Path home) {
    Path place = home.toAbsolutePath();
    while (place != null && !Files.isDirectory(place)) {
      if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
        return null;
      }
      place = place.getParent();
    }
    return place;
  }

  @Override
  public GraphDriver open(DriverContext context) throws LayerStoreException {
    VfsOptions.requireValid(context.options());
    if (!Files.isDirectory(context.home(), LinkOption.NOFOLLOW_LINKS)) {
      ProbeResult probe = probe(context);
      if (!probe.isSupported()) {
        throw new DriverNotSupportedException(NAME, probe.detail());
      }
    }
    return VfsDriver.open(context);
  }
}
