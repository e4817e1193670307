package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.spi.ProbeResult;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;

/**
 * Gives a store the overlay2 driver on a {@link FaultyLinux}. Is on no list of services: a store
 * finds it where the thread that opens it has the {@linkplain #loader loader} made here.
 */
public final class FaultyOverlay2Provider implements GraphDriverProvider {

  private static volatile FaultyLinux linux;

  /** Called by the service loader. */
  public FaultyOverlay2Provider() {}

  /**
   * A class loader in which this provider comes first.
   *
   * @param directory for a file that lists it
   */
  static ClassLoader loader(Path directory) throws IOException {
    return loader(directory, FaultyOverlay2Provider.class);
  }

  /** The same with another provider first. */
  static ClassLoader loader(Path directory, Class<? extends GraphDriverProvider> provider)
      throws IOException {
    URL list = Files.writeString(directory.resolve("services"), provider.getName()).toUri().toURL();
    return new ClassLoader(FaultyOverlay2Provider.class.getClassLoader()) {
      @Override
      public Enumeration<URL> getResources(String resource) throws IOException {
        return resource.equals("META-INF/services/" + GraphDriverProvider.class.getName())
            ? Collections.enumeration(List.of(list))
            : super.getResources(resource);
      }
    };
  }

  /** What the drivers that are opened from now on ask. */
  static void use(FaultyLinux linuxToUse) {
    linux = linuxToUse;
  }

  @Override
  public String name() {
    return Overlay2DriverProvider.NAME;
  }

  @Override
  public ProbeResult probe(DriverContext context) {
    return linux.features().toProbeResult();
  }

  @Override
  public GraphDriver open(DriverContext context) throws LayerStoreException {
    return Overlay2Driver.open(context, linux.calls(), linux.features());
  }
}
