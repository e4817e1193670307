package io.layerstore.core;

import io.layerstore.ChainId;
import io.layerstore.DriverChoice;
import io.layerstore.DriverStatus;
import io.layerstore.ImageStore;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;
import io.layerstore.Progress;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerInfo;
import io.layerstore.RWLayerOptions;
import io.layerstore.RecoveryReport;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreUser;
import io.layerstore.core.image.DefaultImageStore;
import io.layerstore.core.image.LayerAccess;
import io.layerstore.core.layer.ArchiveLayers;
import io.layerstore.core.layer.LayerHealth;
import io.layerstore.core.layer.LayerReading;
import io.layerstore.core.layer.LayerReference;
import io.layerstore.core.layer.LayerRegistration;
import io.layerstore.core.layer.LayerRelease;
import io.layerstore.core.layer.LayerSources;
import io.layerstore.core.layer.RWLayerHandles;
import io.layerstore.core.layer.ReadWriteLayers;
import io.layerstore.core.state.IdPrefix;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.core.state.StoreLoader;
import io.layerstore.core.state.StoreRecovery;
import io.layerstore.driver.KeyedLock;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The layer store on a metadata store and a graph driver. Hands every task to the class that knows
 * it; {@link StoreContext} lists the locks.
 */
@SuppressWarnings("try") // Locks and calls are held by scope, not by name.
final class DefaultLayerStore implements LayerStore {

  private static final Logger log = LoggerFactory.getLogger(DefaultLayerStore.class);
  private final StoreContext store;
  private final OpenStore open;
  private final LayerHealth health;
  private final LayerRegistration registration;
  private final LayerRelease release;
  private final LayerReading reading;
  private final ReadWriteLayers readWrite;
  private final RWLayerHandles handles;
  private final DefaultImageStore images;

  /** Opens the store whose layers have been loaded, and the images on them. */
  DefaultLayerStore(StoreContext store, OpenStore open) throws LayerStoreException {
    this.store = store;
    this.open = open;
    this.health = new LayerHealth(store);
    this.registration = new LayerRegistration(store, health);
    this.release = new LayerRelease(store);
    this.reading = new LayerReading(store);
    this.readWrite = new ReadWriteLayers(store);
    this.handles = new RWLayerHandles(store, readWrite, reading, registration, release);
    this.images =
        new DefaultImageStore(
            new LayerAccess(this, store, reading, registration, handles),
            new ArchiveLayers(store, health, registration, release, reading));
  }

  @Override
  public Layer register(InputStream tar, RegisterOptions options) throws LayerStoreException {
    return register(LayerSources.ofStream(tar), options);
  }

  @Override
  public Layer register(LayerSource source, RegisterOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      StoreRecovery.afterTheDead(store);
      return new LayerReference(
          reading, registration.register(source, options, Progress.Kind.REGISTER, null));
    }
  }

  @Override
  public Layer get(ChainId chainId) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      StoreLoader.refreshIfReadOnly(store);
      return new LayerReference(reading, store.retain(chainId));
    }
  }

  @Override
  public ChainId resolve(String prefix) throws LayerStoreException {
    IdPrefix id =
        IdPrefix.parse(prefix)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "not the beginning of a chain id: \"" + prefix + "\""));
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      store.refresh();
      return id.only(store.table().withPrefix(id))
          .orElseThrow(() -> new LayerNotFoundException(prefix));
    }
  }

  @Override
  public List<LayerInfo> layers() {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      refreshOrLog();
      return store.table().layerInfos(store.otherHolders());
    }
  }

  @Override
  public List<LayerInfo> release(Layer layer) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      store.requireNotReadOnly();
      if (!(layer instanceof LayerReference reference)) {
        throw new IllegalArgumentException("not a handle of this store: " + layer);
      }
      RoLayer node = reference.spend(reading);
      if (store.isHeld(node)) {
        return List.of(); // Without a look at the disk: most often so.
      }
      store.requireWritable();
      StoreRecovery.afterTheDead(store);
      return release.deleteUnheld(node);
    }
  }

  @Override
  public RWLayer createRWLayer(String name, RWLayerOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      StoreRecovery.afterTheDead(store);
      return handles.of(readWrite.create(name, options.parent().orElse(null), options));
    }
  }

  @Override
  public RWLayer createTemporaryRWLayer(RWLayerOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      StoreRecovery.afterTheDead(store);
      return handles.of(readWrite.createTemporary(options.parent().orElse(null), options));
    }
  }

  @Override
  public RWLayer getRWLayer(String name) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      StoreLoader.refreshIfReadOnly(store);
      try (KeyedLock.Held held = store.nameLock().acquire(name)) {
        store.findMount(name);
        return handles.of(store.table().retainMount(name));
      }
    }
  }

  @Override
  public List<RWLayerInfo> rwLayers() {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      refreshOrLog();
      return store.table().mountInfos();
    }
  }

  @Override
  public String mountId(String name) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      store.refresh();
      return store.table().requireMount(name).mountId();
    }
  }

  @Override
  public List<LayerInfo> releaseRWLayer(RWLayer layer) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      store.requireWritable();
      StoreRecovery.afterTheDead(store);
      return handles.release(layer);
    }
  }

  @Override
  public ImageStore images() {
    return images;
  }

  @Override
  public RecoveryReport cleanup() throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      store.requireWritable();
      store.refresh();
      StoreRecovery recovery = new StoreRecovery(store);
      store
          .critical()
          .run(
              () -> {
                recovery.removeUnfinished();
                recovery.finishRemovals();
              });
      List<Finding> findings = new ArrayList<>(recovery.findings());
      try {
        release.takeBackPostponed();
      } catch (LayerStoreException e) {
        findings.add(
            new Finding(
                Kind.POSTPONED,
                root().toString(),
                "layers of a load that failed will be taken back at the next cleanup: "
                    + e.getMessage()));
      }
      TemporaryLeftovers leftovers = new TemporaryLeftovers(root(), images);
      store
          .critical()
          .run(
              () -> {
                leftovers.deletePartialBlobs(findings, true);
                // What else is left can be told from what is under way only if there is nobody
                // else.
                store
                    .sharing()
                    .withDoorClosed(
                        isAlone -> {
                          store.driver().cleanup();
                          if (isAlone) {
                            leftovers.delete(findings);
                          }
                        });
              });
      return new RecoveryReport(findings);
    }
  }

  /** Deletes temporary files that nobody has in hand; adds what remains to {@code findings}. */
  void deleteTemporaryFiles(List<Finding> findings) {
    TemporaryLeftovers leftovers = new TemporaryLeftovers(root(), images);
    leftovers.delete(findings);
    leftovers.deletePartialBlobs(findings, false);
  }

  @Override
  public List<StoreUser> users() throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      refreshOrLog();
      return store.sharing().users().stream().map(store.table()::withNames).toList();
    }
  }

  @Override
  public String driverName() {
    return store.driver().name();
  }

  @Override
  public DriverStatus driverStatus() throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      return store.driver().status();
    }
  }

  @Override
  public DriverChoice driverChoice() {
    return open.choice();
  }

  @Override
  public RecoveryReport recoveryReport() {
    return open.recoveryReport();
  }

  @Override
  public Path root() {
    return store.options().root();
  }

  @Override
  public boolean isReadOnly() {
    return store.options().readOnly();
  }

  private void refreshOrLog() {
    try {
      store.refresh();
    } catch (LayerStoreException e) {
      log.warn("cannot refresh {}; showing what was known before", root(), e);
    }
  }

  @Override
  public void close() throws LayerStoreException {
    if (store.lifecycle().beginClose()) {
      readWrite.deleteTemporaries();
      try {
        release.takeBackPostponed();
      } catch (LayerStoreException e) {
        log.warn("layers of a load that failed stay until they are pruned", e);
      }
      try {
        open.close();
      } catch (MountBusyException e) {
        // The driver knows its own ids only.
        throw new MountBusyException(store.table().namesOf(e.name()), e.holders(), e);
      }
    }
  }
}
