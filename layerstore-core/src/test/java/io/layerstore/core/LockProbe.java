package io.layerstore.core;

import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreLockedException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Tries from another process whether a store can be opened for writing. */
final class LockProbe {

  private LockProbe() {}

  /** Exits with 0 if the store is locked, with 10 if it can be opened. */
  public static void main(String[] args) throws LayerStoreException {
    try (LayerStore store = LayerStore.builder(Path.of(args[0])).driver("vfs").open()) {
      System.exit(store.isReadOnly() ? 1 : 10);
    } catch (StoreLockedException e) {
      System.exit(0);
    }
  }

  /** The exit status of {@link #main} in a process of its own. */
  static int run(Path root) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                LockProbe.class.getName(),
                root.toString())
            .inheritIO()
            .start();
    if (!process.waitFor(1, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new IllegalStateException("the probe hangs");
    }
    return process.exitValue();
  }
}
