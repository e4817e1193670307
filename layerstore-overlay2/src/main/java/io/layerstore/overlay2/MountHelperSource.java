package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.LinuxCalls;
import io.layerstore.overlay2.linux.MountSettings;
import io.layerstore.overlay2.linux.Mounts;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * The helper process that mounts: started when it is first needed, and again when it has died.
 *
 * <p>Safe for use by many threads. An interrupt of the calling thread waits until the helper is
 * there: it must not keep an unmount from being done.
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
      current = start();
    }
    return current;
  }

  /** Starts a helper in a thread that nobody interrupts. */
  private Mounts start() throws LayerStoreException {
    Path home = layers.layout().home();
    MountSettings settings = features.settings().withRoot(owners.rootUid(), owners.rootGid());
    FutureTask<Mounts> task = new FutureTask<>(() -> calls.openMounts(home, settings));
    Thread thread = new Thread(task, "layerstore-helper-mount-start");
    thread.setDaemon(true);
    thread.start();
    try {
      return resultOf(task);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof LayerStoreException failure) {
        throw failure;
      }
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException("cannot start the helper that mounts", e.getCause());
    }
  }

  private static Mounts resultOf(FutureTask<Mounts> task) throws ExecutionException {
    boolean wasInterrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          wasInterrupted = true;
        }
      }
    } finally {
      if (wasInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
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
