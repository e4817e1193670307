package io.layerstore.core.image;

import io.layerstore.LayerStoreException;
import io.layerstore.driver.KeyedLock;

/**
 * The lock of everything that changes images or their names, in this store and in those that share
 * the root: held while the few small files of a change are written. Whoever gets it sees what
 * others have changed before.
 */
final class ImageWriting {

  private static final String KEY = "images";

  private final LayerAccess access;
  private final KeyedLock<String> lock;

  ImageWriting(LayerAccess access) {
    this.access = access;
    this.lock = access.newImageLock();
  }

  /** A change that is under way. */
  interface Change extends AutoCloseable {

    /** Lets others see it, and change something themselves. */
    @Override
    void close();
  }

  Change begin() throws LayerStoreException {
    KeyedLock.Held held = lock.acquire(KEY);
    try {
      access.beginImageChange();
    } catch (LayerStoreException | RuntimeException | Error e) {
      held.close();
      throw e;
    }
    return () -> {
      try {
        access.published();
      } finally {
        held.close();
      }
    };
  }
}
