package io.layerstore.core;

import com.google.common.io.Closer;
import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.LayerContent;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerStoreProvider;
import io.layerstore.RWLayerInfo;
import io.layerstore.RecoveryReport;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RemoteImage;
import io.layerstore.StoreOptions;
import io.layerstore.ViewOptions;
import io.layerstore.core.docker.BuildKitCache;
import io.layerstore.core.docker.RunningDocker;
import io.layerstore.core.image.archive.ArchiveView;
import io.layerstore.core.image.archive.RemoteSave;
import io.layerstore.core.image.archive.RemoteView;
import io.layerstore.core.layerdb.FileMetadataStore;
import io.layerstore.core.layerdb.Ownership;
import io.layerstore.core.share.ClaimKind;
import io.layerstore.core.share.Participant;
import io.layerstore.core.state.DataRoot;
import io.layerstore.core.state.LayerTable;
import io.layerstore.core.state.RootUse;
import io.layerstore.core.state.Sharing;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.core.state.StoreLoader;
import io.layerstore.core.state.StoreRecovery;
import io.layerstore.core.state.StoreRoot;
import io.layerstore.core.tar.ContentReader;
import io.layerstore.core.tar.LayerPacker;
import io.layerstore.core.work.CriticalWork;
import io.layerstore.core.work.StoreThreads;
import io.layerstore.driver.Closing;
import io.layerstore.driver.FileFailures;
import io.layerstore.driver.PreloadedClasses;
import io.layerstore.driver.rooted.ByteNames;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.MetadataStore;
import io.layerstore.spi.MetadataStoreFactory;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;
import org.slf4j.helpers.MessageFormatter;

/** What {@link LayerStore#open} finds: opens the layer store of this module. */
public final class DefaultLayerStoreProvider implements LayerStoreProvider {

  private final @Nullable MetadataStoreFactory metadataStores;

  /** Keeps metadata in files, as Docker does. */
  public DefaultLayerStoreProvider() {
    this.metadataStores = null;
  }

  /**
   * Keeps metadata where {@code metadataStores} says. Its stores are open exclusively, for nothing
   * is known of what others may do to that metadata. To open a store, give {@link #open} what
   * {@link StoreOptions.Builder#build} makes.
   */
  public DefaultLayerStoreProvider(MetadataStoreFactory metadataStores) {
    this.metadataStores = Objects.requireNonNull(metadataStores, "metadataStores");
  }

  @Override
  public LayerStore open(StoreOptions options) throws LayerStoreException {
    OpenStore open = new OpenStore();
    try {
      ExecutorService critical = StoreThreads.pool("commit");
      open.add(() -> StoreThreads.end(critical));
      CriticalWork criticalWork = new CriticalWork(critical);
      // On a thread of its own: an interrupt of the caller must not break what opening mends.
      return criticalWork.call(() -> open(options, open, criticalWork));
    } catch (LayerStoreException | RuntimeException | Error e) {
      Closing.after(e, open::close);
      throw e;
    }
  }

  @Override
  public FileSystem fileSystem(ImageSource source, ViewOptions options) throws LayerStoreException {
    return ArchiveView.open(source, options);
  }

  @Override
  public FileSystem fileSystem(RemoteImage image, ViewOptions options) throws LayerStoreException {
    return RemoteView.open(image, options);
  }

  @Override
  public void save(RemoteImage image, ImageTarget target) throws LayerStoreException {
    RemoteSave.save(image, target);
  }

  @Override
  public InputStream archive(LayerContent content) {
    return LayerPacker.withAllXattrs(new ContentReader(content.entries()));
  }

  @Override
  public ByteString bytes(Path path) {
    return new ByteNames(path.getFileSystem()).fromLinkTarget(path);
  }

  private LayerStore open(StoreOptions options, OpenStore open, CriticalWork critical)
      throws LayerStoreException {
    Path root = options.root();
    StoreRoot.requireSafe(options);
    StoreRoot prepared = StoreRoot.prepare(options, DriverSelector.requireUsable(options));
    RootUse use = null;
    if (!options.readOnly()) {
      CleanupClasses.load();
      open.add(prepared::removeMade);
      RunningDocker.requireNone(root);
      use = RootUse.begin(options, metadataStores == null);
      open.add(use::close);
      RootUse begun = use;
      open.add(() -> prepared.takeBack(begun));
    }
    Sharing sharing = new Sharing(root, use);
    DriverSelector.Selection selection = DriverSelector.select(options, sharing);
    GraphDriver driver = selection.driver();
    open.add(driver::close);
    open.setChoice(selection.choice());
    MetadataStore metadata =
        openMetadata(root.resolve(options.metadataPath(driver.name())), options, sharing);
    open.add(metadata::close);
    StoreContext store =
        new StoreContext(
            options,
            metadata,
            driver,
            new LayerTable(sharing.participant()),
            executor(options, open),
            critical,
            new StoreLifecycle(),
            sharing.newLock(ClaimKind.CHAIN, ChainId::toString),
            sharing.newLock(ClaimKind.NAME, name -> name),
            sharing.newLock(ClaimKind.MOUNTING, id -> id),
            sharing.newLock(ClaimKind.SWEEP, key -> key),
            new BuildKitCache(DataRoot.buildKit(root)),
            sharing);
    List<Finding> findings = new ArrayList<>(driver.recoveryReport().findings());
    findings.addAll(metadata.recoveryReport().findings());
    findings.addAll(new StoreLoader(store).load());
    if (!options.readOnly()) {
      StoreRecovery recovery = new StoreRecovery(store);
      recovery.removeUnfinished();
      recovery.finishRemovals();
      findings.addAll(recovery.findings());
    }
    DefaultLayerStore layers = new DefaultLayerStore(store, open);
    if (!options.readOnly() && sharing.isFirst()) {
      layers.deleteTemporaryFiles(findings);
    }
    findings.addAll(layers.images().recoveryReport().findings());
    open.setRecoveryReport(new RecoveryReport(findings));
    prepared.opened();
    if (use != null) {
      use.opened();
    }
    return layers;
  }

  private MetadataStore openMetadata(Path directory, StoreOptions options, Sharing sharing)
      throws LayerStoreException {
    return metadataStores == null
        ? FileMetadataStore.open(
            directory, options.durability(), options.readOnly(), new SharedWork(sharing))
        : metadataStores.open(directory, options.durability(), options.readOnly());
  }

  private static Executor executor(StoreOptions options, OpenStore open) {
    if (options.executor().isPresent()) {
      return options.executor().get();
    }
    ExecutorService own = StoreThreads.pool("worker");
    open.add(() -> StoreThreads.end(own));
    return own;
  }

  /**
   * Lets the other stores on a root know which unfinished work in the layer database has an owner.
   */
  private static final class SharedWork implements Ownership {

    private final @Nullable Participant participant;
    private final Map<String, Integer> claims = new ConcurrentHashMap<>();

    SharedWork(Sharing sharing) {
      this.participant = sharing.participant();
    }

    @Override
    public void take(String name) {
      if (participant != null) {
        claims.put(name, participant.claim(ClaimKind.WORK, name));
      }
    }

    @Override
    public void letGo(String name) {
      Integer claim = claims.remove(name);
      if (participant != null && claim != null) {
        participant.clear(claim);
      }
    }

    @Override
    public boolean isOthers(String name) {
      return participant != null && participant.isClaimedElsewhere(ClaimKind.WORK, name);
    }
  }

  /** The classes of core to load when a store is opened; those of drivers they load themselves. */
  private static final class CleanupClasses {

    private static final List<String> CORE =
        List.of(
            "layer.LayerBatch",
            "layer.LayerRelease",
            "layer.PendingLayer",
            "layer.ReadWriteLayers",
            "state.StoreRecovery",
            "image.archive.ArchiveText",
            "image.archive.Spool",
            "layerdb.LeftoverScanner",
            "layerdb.RecordReader");

    private CleanupClasses() {}

    static void load() {
      Package own = CleanupClasses.class.getPackage();
      PreloadedClasses.load(Closer.class);
      PreloadedClasses.load(Closing.class);
      PreloadedClasses.load(FileFailures.class);
      PreloadedClasses.load(LayerInfo.class);
      PreloadedClasses.load(MessageFormatter.class);
      PreloadedClasses.load(MetadataStore.class);
      PreloadedClasses.load(RWLayerInfo.class);
      for (String name : CORE) {
        PreloadedClasses.load(named(own.getName() + "." + name));
      }
    }

    private static Class<?> named(String name) {
      try {
        return Class.forName(name);
      } catch (ClassNotFoundException e) {
        throw new NoClassDefFoundError(name);
      }
    }
  }
}
