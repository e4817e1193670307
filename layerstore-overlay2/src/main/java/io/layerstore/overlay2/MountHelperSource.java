package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.LinuxCalls;
import io.layerstore.overlay2.linux.Mounts;
import org.jspecify.annotations.Nullable;

/**
 * The helper process that mounts: started when it is first needed, and again when it has died.
 *
 * <p>Safe for use by many threads.
 */
final class MountHelperSource {

  private final LayerDirectories layers;
  private final LinuxCalls calls;
  private final OverlayFeatures features;
  private final HostOwners owners;
  private @Nullable Mounts current;
  private boolean isClosed;

  MountHelperSource(
      LayerDirectories layers, LinuxCalls calls, OverlayFeatures features, HostOwners owners) {
    this.layers = layers;
    this.calls = calls;
    this.features = features;
    this.owners = owners;
  }

  /**
   * The helper, which was alive a moment ago.
   *
   * @throws IllegalStateException after {@link #close}
   */
  synchronized Mounts get() throws LayerStoreException {
    if (isClosed) {
      throw new IllegalStateException("the driver is closed");
    }
    if (current != null && !current.isAlive()) {
      current.close();
      current = null;
    }
    if (current == null) {
      current =
          calls.openMounts(
              layers.layout().home(),
              features.settings().withRoot(owners.rootUid(), owners.rootGid()));
    }
    return current;
  }

  synchronized boolean isClosed() {
    return isClosed;
  }

  /** Ends the helper, and undoes what it mounted. A second call does nothing. */
  synchronized void close() throws LayerStoreException {
    isClosed = true;
    if (current != null) {
      current.close();
      current = null;
    }
  }
}
