package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.IdMapping;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.spi.ProbeResult;
import io.layerstore.testing.GraphDriverProviderContract;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The contract of all providers, for whoever runs the tests: root is granted every id mapping, an
 * ordinary user that of the own subordinate ids. And what the kernel's driver cannot do.
 */
final class Overlay2DriverProviderTest extends GraphDriverProviderContract {

  private static final String HELPER = "layerstore.overlay2.helper";

  @TempDir Path directory;

  @Override
  protected GraphDriverProvider newProvider() {
    return new Overlay2DriverProvider();
  }

  @Override
  protected Path newRoot() {
    Overlay2Testing.assumeSupported(directory);
    return directory;
  }

  @Override
  protected boolean showsWhatFilesLack() {
    return false;
  }

  @Override
  protected Map<String, String> options() {
    return Overlay2Testing.ownIds();
  }

  @Override
  protected IdMapping mapping() {
    return Overlay2Testing.mapping();
  }

  @Override
  protected boolean refusesOwnersOutsideTheMapping() {
    return Overlay2Testing.isRoot();
  }

  @Test
  void probe_rootInMemory_isUnsupported() throws IOException {
    try (FileSystem memory = Jimfs.newFileSystem(Configuration.unix())) {
      ProbeResult probe = newProvider().probe(Overlay2Testing.context(memory.getPath("/store")));
      assertFalse(probe.isSupported());
      assertTrue(probe.detail().contains("default file system"), probe.detail());
    }
  }

  @Test
  void probe_helperThatIsNoProgram_isUnsupportedAndNamesTheProperty() {
    String before = System.setProperty(HELPER, "/nonexistent/helper");
    try {
      ProbeResult probe = newProvider().probe(Overlay2Testing.context(directory));
      assertFalse(probe.isSupported());
      assertTrue(probe.detail().contains(HELPER), probe.detail());
    } finally {
      if (before == null) {
        System.clearProperty(HELPER);
      } else {
        System.setProperty(HELPER, before);
      }
    }
  }
}
