package io.layerstore.overlay2;

import io.layerstore.Durability;
import io.layerstore.LayerStoreException;
import io.layerstore.driver.AtomicFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;

/**
 * The notes beside layers which say that their mount was made to outlive its process.
 *
 * <p>Safe for use by many threads on different ids.
 */
final class PersistentMarks {

  private final Overlay2Layout layout;

  PersistentMarks(Overlay2Layout layout) {
    this.layout = layout;
  }

  boolean has(String id) {
    return Files.exists(layout.persistent(id), LinkOption.NOFOLLOW_LINKS);
  }

  void set(String id) throws LayerStoreException {
    try {
      AtomicFiles.write(
          layout.persistent(id), new byte[0], Overlay2Layout.MARK_MODE, Durability.NONE);
    } catch (IOException e) {
      throw LayerDirectories.failure(id, "cannot note that the mount is persistent", e);
    }
  }

  void remove(String id) throws LayerStoreException {
    try {
      Files.deleteIfExists(layout.persistent(id));
    } catch (IOException e) {
      throw LayerDirectories.failure(id, "cannot note that the persistent mount is gone", e);
    }
  }
}
