package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.testing.DamageMatrixContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Damages to a store of the overlay2 driver. */
final class Overlay2DamageMatrixTest extends DamageMatrixContract {

  @TempDir private Path temporary;

  @Override
  protected String driver() {
    return "overlay2";
  }

  @Override
  protected Path newDirectory() throws IOException {
    Overlay2Testing.assumeSupported(temporary);
    return Files.createDirectory(temporary.resolve("test"));
  }

  @Override
  protected int stride() {
    return 3;
  }

  @Override
  protected void copy(Path from, Path to) throws IOException {
    try {
      Process copy = new ProcessBuilder("cp", "-a", from + "/.", to.toString()).start();
      assertEquals(0, copy.waitFor());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }
}
