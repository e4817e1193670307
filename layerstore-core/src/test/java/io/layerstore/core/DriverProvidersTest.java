package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.spi.ProbeResult;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DriverProvidersTest {

  @TempDir private Path directory;

  /** A driver that is found, and never supported. */
  public static class Found implements GraphDriverProvider {
    @Override
    public String name() {
      return "found";
    }

    @Override
    public ProbeResult probe(DriverContext context) {
      return ProbeResult.unsupported("only here to be found");
    }

    @Override
    public GraphDriver open(DriverContext context) throws LayerStoreException {
      throw new DriverNotSupportedException(name(), "only here to be found");
    }
  }

  /** A driver that cannot be made. */
  public static final class Broken extends Found {
    /** Fails. */
    public Broken() {
      throw new IllegalStateException("cannot be made");
    }
  }

  /** Loads providers while the thread's class loader sees those called {@code names}. */
  private DriverProviders load(String... names) throws IOException {
    Path services = Files.createDirectories(directory.resolve("META-INF/services"));
    Files.write(services.resolve(GraphDriverProvider.class.getName()), List.of(names));
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    try (URLClassLoader loader =
        new URLClassLoader(
            new URL[] {directory.toUri().toURL()}, DriverProvidersTest.class.getClassLoader())) {
      thread.setContextClassLoader(loader);
      return DriverProviders.load();
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private static long countFound(DriverProviders providers) {
    return providers.providers().stream().filter(p -> p.name().equals("found")).count();
  }

  @Test
  void load_contextLoaderSeesOne_isFound() throws IOException {
    assertEquals(1, countFound(load(Found.class.getName())));
  }

  @Test
  void load_contextLoaderSeesNone_ownLoaderIsAsked() throws IOException {
    assertEquals(0, countFound(load()));
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    try {
      thread.setContextClassLoader(ClassLoader.getPlatformClassLoader());
      DriverProviders own = DriverProviders.load();
      thread.setContextClassLoader(DriverProviders.class.getClassLoader());
      DriverProviders both = DriverProviders.load();
      assertEquals(2 * own.providers().size(), both.providers().size());
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  @Test
  void load_brokenOnes_doNotHideTheOthers() throws IOException {
    DriverProviders providers =
        load("no.such.Provider", Broken.class.getName(), Found.class.getName());
    assertEquals(1, countFound(providers));
    assertTrue(providers.broken().containsKey(Broken.class.getName()), "" + providers.broken());
    assertTrue(
        providers.broken().values().stream().anyMatch(text -> text.contains("no.such.Provider")),
        "" + providers.broken());
  }
}
