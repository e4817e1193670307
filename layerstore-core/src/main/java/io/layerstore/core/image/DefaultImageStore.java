package io.layerstore.core.image;

import io.layerstore.BuildOptions;
import io.layerstore.CommitImageOptions;
import io.layerstore.Digest;
import io.layerstore.DiskUsage;
import io.layerstore.DistributionMetadata;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageManifest;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageStore;
import io.layerstore.ImageTarget;
import io.layerstore.ImportOptions;
import io.layerstore.LayerInfo;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.PruneOptions;
import io.layerstore.PrunePlan;
import io.layerstore.PruneReport;
import io.layerstore.PullOptions;
import io.layerstore.PushOptions;
import io.layerstore.PushReport;
import io.layerstore.RWLayer;
import io.layerstore.RecoveryReport;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.ReferenceStore;
import io.layerstore.RegistryOptions;
import io.layerstore.RemoteImage;
import io.layerstore.SaveOptions;
import io.layerstore.SaveReport;
import io.layerstore.StoreOptions;
import io.layerstore.ViewOptions;
import io.layerstore.core.docker.ContainerRecords;
import io.layerstore.core.image.archive.ImageArchives;
import io.layerstore.core.image.download.PartialBlobs;
import io.layerstore.core.layer.ArchiveLayers;
import io.layerstore.core.state.DataRoot;
import io.layerstore.core.state.IdPrefix;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.driver.TemporaryFiles;
import io.layerstore.spi.RegistryProvider;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The images beside a layer database. Hands every task to the class that knows it.
 *
 * <h2>Locks</h2>
 *
 * <p>One lock, {@link ImageWriting}, is held by everything that changes images or their names,
 * while the few small files of the change are written. Under it the locks inside the tables of
 * images and of layers may be taken, and no other. Layers are unpacked and deleted without it.
 * Readers take the locks of the tables alone.
 */
@SuppressWarnings("try") // Calls are held by scope, not by name.
public final class DefaultImageStore implements ImageStore {

  private final LayerAccess access;
  private final ImageWriting writing;
  private final ImageTable table = new ImageTable();
  private final ImageDb db;
  private final ManifestDirectory manifests;
  private final ImageCatalog catalog;
  private final DefaultReferenceStore references;
  private final ImageCreation creation;
  private final ImageUsers users;
  private final ImageDeletion deletion;
  private final ImageMaking making;
  private final DistributionDirectory distribution;
  private final PartialBlobs partials;
  private final ImageArchives archives;
  private final RecoveryReport recoveryReport;

  /**
   * Opens the images of a layer store that is open and not given out yet.
   *
   * @throws LayerStoreException if the images cannot be listed
   */
  public DefaultImageStore(LayerAccess access, ArchiveLayers layers) throws LayerStoreException {
    this.access = access;
    this.writing = new ImageWriting(access);
    this.db =
        new ImageDb(
            access.directory().resolve(DataRoot.IMAGE_DATABASE), access.options().durability());
    this.manifests = new ManifestDirectory(access.directory(), access.options().durability());
    this.catalog = new ImageCatalog(this, access, db, table);
    this.references = new DefaultReferenceStore(access, db, table, writing);
    this.creation = new ImageCreation(db, table, catalog, writing);
    ContainerRecords containers = new ContainerRecords(access.options().root());
    this.users = new ImageUsers(table, containers);
    this.deletion = new ImageDeletion(access, db, manifests, table, references, users, writing);
    this.making =
        new ImageMaking(access, table, catalog, creation, deletion, references, containers);
    this.distribution = new DistributionDirectory(access);
    this.partials = access.newPartialBlobs();
    this.archives = new ImageArchives(layers, new ArchiveHost(), partials);
    this.recoveryReport = new RecoveryReport(findings());
    access.follow(this::follow);
  }

  private List<Finding> findings() throws LayerStoreException {
    List<Finding> findings = new ArrayList<>(references.findings());
    findings.addAll(catalog.restore());
    if (!access.options().readOnly()) {
      findings.addAll(catalog.missing(references.current().all().values()));
    }
    return findings;
  }

  @Override
  public Image create(byte[] config) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      return catalog.image(creation.create(config.clone(), null).node());
    }
  }

  @Override
  public Image get(ImageId id) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      refresh();
      return catalog.image(require(id));
    }
  }

  @Override
  public Image resolve(String text) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      refresh();
      ImageNode named = named(text);
      return catalog.image(named != null ? named : withPrefix(text));
    }
  }

  /** The image that {@code text} is a reference to, or null. */
  private @Nullable ImageNode named(String text) {
    ImageReference reference;
    try {
      reference = ImageReference.parse(text);
    } catch (IllegalArgumentException e) {
      return null;
    }
    Optional<ImageId> id = references.find(reference);
    return id.isEmpty() ? null : table.find(id.get());
  }

  private ImageNode withPrefix(String text) throws LayerStoreException {
    IdPrefix prefix = IdPrefix.parse(text).orElseThrow(() -> new ImageNotFoundException(text));
    return require(
        prefix.only(table.withPrefix(prefix)).orElseThrow(() -> new ImageNotFoundException(text)));
  }

  @Override
  public List<Image> list() {
    try (StoreLifecycle.Call call = access.enter()) {
      refreshOrLog();
      return catalog.images(table.all());
    }
  }

  @Override
  public List<Image> children(ImageId id) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      refresh();
      return catalog.images(
          table.children(id).stream()
              .map(table::find)
              .flatMap(node -> Optional.ofNullable(node).stream())
              .toList());
    }
  }

  @Override
  public void setParent(ImageId id, ImageId parent) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      creation.setParent(id, parent);
    }
  }

  @Override
  public List<LayerInfo> delete(ImageId id, boolean force) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      return deletion.delete(id, force);
    }
  }

  @Override
  public List<ImageManifest> manifests(ImageId id) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      refresh();
      require(id);
      return manifests.of(id);
    }
  }

  @Override
  public ReferenceStore references() {
    return references;
  }

  @Override
  public DistributionMetadata distribution() {
    return distribution;
  }

  @Override
  public FileSystem fileSystem(String image, ViewOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      return access.view(resolve(image).topLayer().orElse(null), image, options);
    }
  }

  @Override
  public LoadReport load(ImageSource source, LoadOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      if (options.reference().isPresent()) {
        DefaultReferenceStore.requireTag(options.reference().get());
      }
      return archives.load(source, options);
    }
  }

  @Override
  public LoadReport pull(ImageReference reference, PullOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      return archives.pull(reference, options);
    }
  }

  @Override
  public RemoteImage remote(ImageReference reference, RegistryOptions options)
      throws LayerStoreException {
    return RegistryProvider.find().inspect(reference, options);
  }

  @Override
  public PushReport push(List<String> images, ImageReference target, PushOptions options)
      throws LayerStoreException {
    DefaultReferenceStore.requireTag(target);
    try (StoreLifecycle.Call call = access.enter()) {
      refresh();
      return archives.push(images, target, options);
    }
  }

  @Override
  public SaveReport save(List<String> images, ImageTarget target, SaveOptions options)
      throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      refresh();
      return archives.save(images, target, options);
    }
  }

  @Override
  public Image importRootFs(LayerSource rootFs, ImportOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      return catalog.image(making.importRootFs(rootFs, options));
    }
  }

  @Override
  public Image build(BuildOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      String base = options.base().orElse(null);
      ImageNode node = base == null ? null : require(resolve(base).id());
      return catalog.image(making.build(options, node));
    }
  }

  @Override
  public Image commit(RWLayer rwLayer, CommitImageOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      return catalog.image(making.commit(rwLayer, options));
    }
  }

  @Override
  public DiskUsage diskUsage() throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      refresh();
      return usage(table.all());
    }
  }

  @Override
  public PrunePlan planPrune(PruneOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      refresh();
      return plan(table.all(), options);
    }
  }

  @Override
  public PruneReport prune(PrunePlan plan) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      return new Pruning(access, table, references, deletion, writing).prune(plan);
    }
  }

  @Override
  public RecoveryReport recoveryReport() {
    return recoveryReport;
  }

  /** The directory that the images, their names and what is known of registries are in. */
  public Path directory() {
    return access.directory();
  }

  /**
   * Deletes what a process that is gone has left of files it was writing, and what is kept of
   * images that are gone; nothing that this one is writing.
   *
   * @return the names of what was deleted
   */
  public List<String> deleteTemporaryFiles() throws IOException {
    List<String> deleted = new ArrayList<>(TemporaryFiles.sweep(access.directory()));
    deleted.addAll(db.deleteTemporaryFiles());
    deleted.addAll(distribution.deleteTemporaryFiles());
    try (ImageWriting.Change change = writing.begin()) {
      deleted.addAll(manifests.sweep(db::exists));
    }
    return deleted;
  }

  /**
   * Deletes what has come of blobs in pulls that failed.
   *
   * @param all whether to delete what the next pull could go on with, too
   * @return the names of what was deleted
   */
  public List<String> deletePartialBlobs(boolean all) throws IOException {
    return partials.sweep(all);
  }

  private DiskUsage usage(List<ImageNode> images) throws LayerStoreException {
    return new DiskUsageReport(access, images, layerUse(images), references.current()).make();
  }

  private PrunePlan plan(List<ImageNode> images, PruneOptions options) throws LayerStoreException {
    return new PrunePlanner(
            table,
            images,
            layerUse(images),
            references.current(),
            !references.isIncomplete(),
            options)
        .plan();
  }

  private LayerUse layerUse(List<ImageNode> images) throws LayerStoreException {
    return LayerUse.of(access, images, catalog.unrestored(), users);
  }

  private ImageNode require(ImageId id) throws ImageNotFoundException {
    ImageNode node = table.find(id);
    if (node == null) {
      throw new ImageNotFoundException(id.toString());
    }
    return node;
  }

  private void requireWritable() throws LayerStoreException {
    access.requireWritable();
  }

  /** Others may change the root, so it is looked at again. */
  private void refresh() throws LayerStoreException {
    if (access.options().readOnly()) {
      synchronized (table) {
        access.refresh();
        follow();
      }
    } else {
      access.refresh();
    }
  }

  /** Follows what others have done to images, once the layers are up to date. */
  private void follow() throws LayerStoreException {
    catalog.restore();
    references.readAgain();
  }

  private void refreshOrLog() {
    try {
      refresh();
    } catch (LayerStoreException e) {
      catalog.logStale(e);
    }
  }

  /** What archives get to see of this store. */
  private final class ArchiveHost implements ImageArchives.Host {
    @Override
    public LayerStore layers() {
      return access.layers();
    }

    @Override
    public ImageStore images() {
      return DefaultImageStore.this;
    }

    @Override
    public StoreOptions options() {
      return access.options();
    }

    @Override
    public Executor executor() {
      return access.executor();
    }

    @Override
    public Closeable keep(ImageId id, List<ImageManifest> documents) throws LayerStoreException {
      try (ImageWriting.Change change = writing.begin()) {
        require(id);
        List<Path> added = manifests.add(id, documents);
        return () -> manifests.delete(added);
      }
    }

    @Override
    public Optional<ImageId> findByManifest(Digest digest) {
      return manifests.find(digest, table.all().stream().map(ImageNode::id).toList());
    }

    @Override
    public Map<ImageReference, ImageId> tagLoaded(Map<ImageReference, ImageId> tags)
        throws LayerStoreException {
      return references.addLoadedTags(tags);
    }
  }
}
