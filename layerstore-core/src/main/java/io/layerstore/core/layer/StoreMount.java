package io.layerstore.core.layer;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountOptions;
import io.layerstore.RootedFile;
import io.layerstore.core.share.ClaimKind;
import io.layerstore.core.state.MountedLayer;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.core.work.CriticalWork;
import io.layerstore.driver.KeyedLock;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * One mount that one caller holds.
 *
 * <p>Made and undone in the caller's thread, not by {@link CriticalWork}: it is done often, and two
 * hand-overs would cost about as much as the mount. A driver does not let interrupts cut it.
 */
@SuppressWarnings("try") // Locks and calls are held by scope, not by name.
final class StoreMount implements Mount {

  private static final String MOUNT = "mount";

  /** Undoes what the mount did. */
  @FunctionalInterface
  private interface Undo {
    void run(boolean lazily) throws LayerStoreException;
  }

  private final StoreContext store;
  private final GuardedDirectory root;
  private final String driverId;
  private final String title;
  private final Undo undo;
  private final AtomicBoolean closed = new AtomicBoolean();

  private StoreMount(StoreContext store, String driverId, String title, Path path, Undo undo) {
    this.store = store;
    this.root = new GuardedDirectory(store.driver(), driverId, path, this::enter);
    this.driverId = driverId;
    this.title = title;
    this.undo = undo;
  }

  /** Mounts a read-only layer; it cannot be deleted until the mount is closed. */
  static StoreMount ofLayer(StoreContext store, RoLayer layer, MountOptions options)
      throws LayerStoreException {
    String id = layer.cacheId();
    String name = layer.chainId().toString();
    store.table().pin(layer);
    Path path;
    int claim;
    try {
      MountEvent event = new MountEvent();
      event.begin();
      try (KeyedLock.Held held = store.mountLock().acquire(id)) {
        claim = claim(store, id);
        try {
          path = store.driver().mountReadOnly(id, options);
        } catch (LayerStoreException | RuntimeException e) {
          store.sharing().clear(claim);
          throw e;
        }
      }
      event.end(MOUNT, name);
    } catch (LayerStoreException e) {
      store.table().unpin(layer);
      throw DriverFailures.named("layer " + name, name, e);
    } catch (RuntimeException e) {
      store.table().unpin(layer);
      throw e;
    }
    return new StoreMount(
        store,
        id,
        "layer " + name,
        path,
        lazily -> {
          try (KeyedLock.Held held = store.mountLock().acquire(id)) {
            unmount(store, id, "layer " + name, name, lazily);
            store.sharing().clear(claim);
          }
          store.table().unpin(layer);
        });
  }

  /**
   * Mounts a read-write layer; it cannot be deleted until the mount is closed.
   *
   * @param afterwards what to do when that is done
   */
  static StoreMount ofRWLayer(
      StoreContext store, MountedLayer layer, MountOptions options, Runnable afterwards)
      throws LayerStoreException {
    String title = "read-write layer " + layer.name();
    Path path;
    int claim;
    try (KeyedLock.Held held = store.nameLock().acquire(layer.name())) {
      store.table().countMount(layer);
      claim = claim(store, layer.mountId());
      try {
        MountEvent event = new MountEvent();
        event.begin();
        path = store.driver().mount(layer.mountId(), options);
        event.end(MOUNT, layer.name());
      } catch (LayerStoreException e) {
        store.sharing().clear(claim);
        store.table().uncountMount(layer);
        throw DriverFailures.named(title, layer.name(), e);
      } catch (RuntimeException e) {
        store.sharing().clear(claim);
        store.table().uncountMount(layer);
        throw e;
      }
    }
    return new StoreMount(
        store,
        layer.mountId(),
        title,
        path,
        lazily -> {
          try (KeyedLock.Held held = store.nameLock().acquire(layer.name())) {
            unmount(store, layer.mountId(), title, layer.name(), lazily);
            store.sharing().clear(claim);
            store.table().uncountMount(layer);
          }
          afterwards.run();
        });
  }

  /** Tells others of a mount before it is there. */
  private static int claim(StoreContext store, String id) {
    return store.sharing().claim(ClaimKind.MOUNT, id);
  }

  private static void unmount(
      StoreContext store, String id, String title, String name, boolean lazily)
      throws LayerStoreException {
    MountEvent event = new MountEvent();
    event.begin();
    try {
      if (lazily) {
        store.driver().unmountLazily(id);
      } else {
        store.driver().unmount(id);
      }
    } catch (LayerStoreException e) {
      throw DriverFailures.named(title, name, e);
    }
    event.end("unmount", name);
  }

  @Override
  public Path path() {
    return root.path();
  }

  @Override
  public RootedFile file(String path) {
    return root.file(path);
  }

  @Override
  public RootedFile file(LayerPath path) {
    return root.file(path);
  }

  /** Lets a call look at files: under the path of a closed mount there may be others. */
  private GuardedDirectory.Call enter() {
    if (closed.get()) {
      throw new IllegalStateException("this mount was closed: " + path());
    }
    return store.lifecycle().enter()::close;
  }

  @Override
  public ProcessBuilder enter(ProcessBuilder builder) throws LayerStoreException {
    return enter(builder, false);
  }

  @Override
  public ProcessBuilder chroot(ProcessBuilder builder) throws LayerStoreException {
    return enter(builder, true);
  }

  private ProcessBuilder enter(ProcessBuilder builder, boolean isRoot) throws LayerStoreException {
    if (builder.command().isEmpty()) {
      throw new IllegalArgumentException("there is no command to run");
    }
    try (GuardedDirectory.Call call = enter()) {
      store.driver().enter(driverId, path(), builder, isRoot);
    } catch (LayerStoreException e) {
      throw DriverFailures.named(title, e);
    }
    return builder;
  }

  @Override
  public Optional<Mount.Namespace> namespace() throws LayerStoreException {
    try (GuardedDirectory.Call call = enter()) {
      return store.driver().namespace(driverId, path());
    } catch (LayerStoreException e) {
      throw DriverFailures.named(title, e);
    }
  }

  @Override
  public void close() throws LayerStoreException {
    close(false);
  }

  @Override
  public void closeLazily() throws LayerStoreException {
    close(true);
  }

  private void close(boolean lazily) throws LayerStoreException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      undoUnlessStoreIsClosed(lazily);
    } catch (LayerStoreException | RuntimeException e) {
      closed.set(false);
      throw e;
    }
  }

  private void undoUnlessStoreIsClosed(boolean lazily) throws LayerStoreException {
    StoreLifecycle.Call call = store.lifecycle().enterIfOpen();
    if (call == null) {
      // Closing the store has unmounted it.
      return;
    }
    try (call) {
      undo.run(lazily);
    }
  }

  /** One mount or unmount; also one that found the layer mounted, or left it so for others. */
  @Name("io.layerstore.Mount")
  @Label("Layer Mount")
  @Category("layerstore")
  @Description("A layer was mounted or unmounted")
  @StackTrace(false)
  static final class MountEvent extends Event {

    @Label("Layer")
    @Description("Name of the read-write layer, or chain ID of the layer")
    String layer = "";

    @Label("Operation")
    String operation = "";

    /** Ends the event: {@code what}, mount or unmount, was done with the layer {@code name}. */
    void end(String what, String name) {
      end();
      if (shouldCommit()) {
        operation = what;
        layer = name;
        commit();
      }
    }
  }
}
