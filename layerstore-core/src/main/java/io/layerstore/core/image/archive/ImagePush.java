package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.Compression;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.DistributionMetadata.Source;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageManifest;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerStoreException;
import io.layerstore.Progress;
import io.layerstore.Progress.Phase;
import io.layerstore.PushOptions;
import io.layerstore.PushReport;
import io.layerstore.RegistryException;
import io.layerstore.SaveOptions;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.core.image.archive.PlatformVariants.Variant;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.layer.ArchiveLayers;
import io.layerstore.core.layer.ProgressReporter;
import io.layerstore.core.work.Interrupts;
import io.layerstore.spi.RegistryProvider;
import io.layerstore.spi.RegistryRepository;
import io.layerstore.spi.RegistryRepository.Manifest;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pushes an image. Layers side by side: where it is known what one looks like in the registry, that
 * is used, otherwise it is compressed while it is sent. The manifest comes last: one that the image
 * came with if its layers are what is in the registry now, else a new one. So it is with indexes.
 */
final class ImagePush {

  private static final Logger log = LoggerFactory.getLogger(ImagePush.class);
  private static final String OPERATION = "pushing an image";

  /** So many places of a layer are tried, newest first, before it is sent. */
  private static final int MAX_TRIES = 5;

  private final ArchiveLayers layers;
  private final ImageArchives.Host host;
  private final ImageReference target;
  private final PushOptions options;
  private final RegistryRepository repository;

  /** What each layer is in the manifests that the images came with, the newest first. */
  private final Map<DiffId, Set<BlobDescriptor>> kept = new HashMap<>();

  /** What each layer is in the registry. */
  private final Map<DiffId, PushedBlob> pushed = new ConcurrentHashMap<>();

  private final List<String> notes = new ArrayList<>();

  private final AtomicInteger uploaded = new AtomicInteger();
  private final AtomicInteger mounted = new AtomicInteger();
  private final AtomicInteger present = new AtomicInteger();

  /** A layer in the registry. */
  private record PushedBlob(Digest digest, long sizeBytes, CompressionFormat format) {}

  private ImagePush(
      ArchiveLayers layers,
      ImageArchives.Host host,
      ImageReference target,
      PushOptions options,
      RegistryRepository repository) {
    this.layers = layers;
    this.host = host;
    this.target = target;
    this.options = options;
    this.repository = repository;
  }

  static PushReport push(
      ArchiveLayers layers,
      ImageArchives.Host host,
      List<String> names,
      ImageReference to,
      PushOptions options)
      throws LayerStoreException {
    if (names.isEmpty()) {
      throw new IllegalArgumentException("no image to push");
    }
    if (options.compression() == Compression.ZSTD
        && options.format().equals(Optional.of(SaveOptions.Format.DOCKER))) {
      throw new IllegalArgumentException(
          "Docker's manifests have no layers in zstd; push in the OCI's form, or with gzip");
    }
    ImageReference target = to.isRepository() ? to.withTag(ImageReference.DEFAULT_TAG) : to;
    List<Layer> held = new ArrayList<>();
    try {
      List<Variant> images = variants(host, names, options);
      for (Variant variant : images) {
        Optional<ChainId> top = variant.image().topLayer();
        if (top.isPresent()) {
          held.add(host.layers().get(top.get()));
        }
      }
      try (RegistryRepository repository =
          RegistryProvider.find().open(target, RegistryProvider.Access.PUSH, options.registry())) {
        return new ImagePush(layers, host, target, options, repository).push(images);
      }
    } catch (IOException e) {
      throw Interrupts.translate(OPERATION, e);
    } finally {
      held.forEach(Layer::close);
    }
  }

  private static List<Variant> variants(
      ImageArchives.Host host, List<String> names, PushOptions options) throws LayerStoreException {
    PlatformVariants variants = new PlatformVariants(host);
    List<Variant> found = new ArrayList<>();
    for (String name : names) {
      Image image = host.images().resolve(name);
      found.addAll(
          variants.of(name, image, options.platform().orElse(null), options.allPlatforms()));
    }
    return PlatformVariants.distinct(found, options.allPlatforms());
  }

  private PushReport push(List<Variant> images) throws IOException {
    for (Variant variant : images) {
      noteKept(variant.image());
    }
    Map<DiffId, ChainId> chains = new LinkedHashMap<>();
    long total = 0;
    for (Variant variant : images) {
      ChainId chainId = null;
      for (DiffId diffId : variant.image().config().diffIds()) {
        chainId = ChainId.of(chainId, diffId);
        if (chains.putIfAbsent(diffId, chainId) == null) {
          total += layers.archiveBytes(chainId);
        }
      }
    }
    ProgressReporter meter = layers.written(Progress.Kind.PUSH, options.progress(), total);
    meter.phase(Phase.WRITING);
    List<ArchiveLayers.Work> pieces = new ArrayList<>();
    chains.forEach(
        (diffId, chain) ->
            pieces.add(
                () -> {
                  try {
                    pushed.put(diffId, layer(diffId, chain, meter));
                  } catch (IOException e) {
                    throw Interrupts.translate(OPERATION, e);
                  }
                }));
    layers.runAll(OPERATION, pieces);
    Map<ImageReference, ImageId> names = new LinkedHashMap<>();
    Manifest top = top(images, names);
    repository.put(target, top);
    meter.phase(Phase.DONE);
    notes.addAll(noteNames(names));
    return new PushReport(
        top.descriptor().digest(), target, uploaded.get(), mounted.get(), present.get(), notes);
  }

  /** Notes what the layers of an image are in the manifests that it came with. */
  private void noteKept(Image image) throws LayerStoreException {
    List<DiffId> diffIds = image.config().diffIds();
    for (ImageManifest document : manifestsOf(image)) {
      List<BlobDescriptor> blobs = PlatformVariants.layers(document, image.id());
      for (int i = 0; blobs != null && i < Math.min(blobs.size(), diffIds.size()); i++) {
        kept.computeIfAbsent(diffIds.get(i), diffId -> new LinkedHashSet<>()).add(blobs.get(i));
      }
    }
  }

  /** The manifests that an image came with, and that may be pushed as they are. */
  private List<ImageManifest> manifestsOf(Image image) throws LayerStoreException {
    return host.images().manifests(image.id()).stream()
        .filter(document -> MediaTypes.isManifest(document.descriptor().mediaType()))
        .filter(this::isWanted)
        .toList();
  }

  /** Whether a document is in the form that was asked for. */
  private boolean isWanted(ImageManifest document) {
    boolean isDocker = MediaTypes.isDocker(document.descriptor().mediaType());
    return options
        .format()
        .map(format -> isDocker == (format == SaveOptions.Format.DOCKER))
        .orElse(true);
  }

  /**
   * What the target is to name: a manifest or an index.
   *
   * @param names gets the names of the images in the registry
   */
  private Manifest top(List<Variant> images, Map<ImageReference, ImageId> names)
      throws IOException {
    Map<Digest, Manifest> manifests = new LinkedHashMap<>();
    List<JsonValue> entries = new ArrayList<>();
    boolean areDocker = true;
    for (Variant variant : images) {
      Manifest manifest = manifest(variant.image());
      manifests.put(manifest.descriptor().digest(), manifest);
      names.put(target.withDigest(manifest.descriptor().digest()), variant.image().id());
      entries.add(ImageDocuments.entry(manifest.descriptor(), variant.platform()));
      areDocker &= MediaTypes.isDocker(manifest.descriptor().mediaType());
    }
    Manifest only = manifests.values().iterator().next();
    if (images.size() == 1 && !options.allPlatforms()) {
      return only;
    }
    for (Manifest manifest : manifests.values()) {
      repository.put(target.withDigest(manifest.descriptor().digest()), manifest);
    }
    Manifest index = keptIndex(images, manifests.keySet());
    if (index == null && images.size() > 1) {
      index = ImageDocuments.index(areDocker, entries);
    }
    if (index == null) {
      return only;
    }
    names.put(target.withDigest(index.descriptor().digest()), images.get(0).image().id());
    return index;
  }

  /** An index that the images came in, if all that it lists is in the registry; else null. */
  private @Nullable Manifest keptIndex(List<Variant> images, Set<Digest> manifests)
      throws LayerStoreException {
    List<ImageManifest> indexes =
        PlatformVariants.indexes(host, images).stream().filter(this::isWanted).toList();
    ImageManifest kept =
        KeptIndexes.find(
            indexes,
            manifests,
            new KeptIndexes.Place() {
              @Override
              public boolean has(Digest manifest) throws LayerStoreException {
                return isThere(manifest);
              }

              @Override
              public void put(ImageManifest index) throws LayerStoreException {
                repository.put(target.withDigest(index.descriptor().digest()), verbatim(index));
              }
            });
    if (kept != null) {
      return verbatim(kept);
    }
    if (!indexes.isEmpty()) {
      notes.add(
          "a new index was written, since the registry does not have all that the images' own one lists");
    }
    return null;
  }

  private static Manifest verbatim(ImageManifest document) {
    return new Manifest(document.descriptor(), document.bytes().toByteArray());
  }

  private boolean isThere(Digest manifest) throws LayerStoreException {
    try {
      repository.manifest(target.withDigest(manifest));
      return true;
    } catch (RegistryException e) {
      if (e.kind() == RegistryException.Kind.NOT_FOUND) {
        return false;
      }
      throw e;
    }
  }

  private PushedBlob layer(DiffId diffId, ChainId chainId, ProgressReporter meter)
      throws IOException {
    PushedBlob known = known(diffId);
    if (known == null) {
      long size = layers.archiveBytes(chainId);
      ProgressReporter.OfLayer counts = meter.writing(target.toString(), diffId, size);
      CompressionFormat format = format(diffId);
      Descriptor sent =
          repository.upload(
              ImageDocuments.layerType(format, isDocker()),
              out -> SavedLayer.write(layers, chainId, format, counts::addBytes, out));
      known = new PushedBlob(sent.digest(), sent.sizeBytes(), format);
      uploaded.incrementAndGet();
    }
    noteSource(diffId, known.digest());
    return known;
  }

  /** How to compress a layer; as it came where that may give the same bytes. */
  private CompressionFormat format(DiffId diffId) {
    if (options.compression() == Compression.GZIP) {
      for (BlobDescriptor blob : keptBlobs(diffId)) {
        if (blob.digest().equals(diffId.digest())) {
          return CompressionFormat.NONE;
        }
        if (blob.mediaType().endsWith("zstd") && !isDocker()) {
          return CompressionFormat.ZSTD;
        }
      }
    }
    return CompressionFormat.of(options.compression());
  }

  private Set<BlobDescriptor> keptBlobs(DiffId diffId) {
    return kept.getOrDefault(diffId, Set.of());
  }

  /**
   * What the layer is in the registry already, here or elsewhere; null if it is to be sent. What it
   * is in a manifest that the image came with is looked for first.
   */
  private @Nullable PushedBlob known(DiffId diffId) throws LayerStoreException {
    Set<Source> candidates = new LinkedHashSet<>();
    List<Source> sources = new ArrayList<>(host.images().distribution().sources(diffId));
    Collections.reverse(sources);
    for (BlobDescriptor blob : keptBlobs(diffId)) {
      candidates.add(new Source(blob.digest(), target.canonicalRepository(), ""));
      sources.stream()
          .filter(source -> source.digest().equals(blob.digest()))
          .forEach(candidates::add);
    }
    candidates.addAll(sources);
    String prefix = target.domain() + "/";
    int tries = 0;
    for (Source source : candidates) {
      if (!source.sourceRepository().startsWith(prefix) || tries++ == MAX_TRIES) {
        continue;
      }
      PushedBlob found = present(source.digest());
      if (found != null) {
        present.incrementAndGet();
        return found;
      }
      String other = source.sourceRepository().substring(prefix.length());
      if (!source.sourceRepository().equals(target.canonicalRepository())
          && repository.mount(source.digest(), other)) {
        found = present(source.digest());
        if (found != null) {
          mounted.incrementAndGet();
          return found;
        }
      }
    }
    return null;
  }

  private @Nullable PushedBlob present(Digest digest) throws LayerStoreException {
    OptionalLong size = repository.blobSize(digest);
    if (size.isEmpty()) {
      return null;
    }
    CompressionFormat format = format(Descriptor.of("", size.getAsLong(), digest));
    return format == null ? null : new PushedBlob(digest, size.getAsLong(), format);
  }

  /** How a blob is compressed, as it begins; null if a manifest cannot say it. */
  private @Nullable CompressionFormat format(Descriptor blob) throws LayerStoreException {
    byte[] start;
    try (InputStream in = repository.blob(blob, 0)) {
      start = in.readNBytes(CompressionFormat.MAGIC_BYTES);
    } catch (IOException e) {
      throw Interrupts.translate(OPERATION, e);
    }
    CompressionFormat format = CompressionFormat.detect(start, start.length);
    return switch (format) {
      case NONE, GZIP -> format;
      case ZSTD -> isDocker() ? null : format;
      default -> null;
    };
  }

  /** Whether nothing but Docker's form will do. */
  private boolean isDocker() {
    return options.format().equals(Optional.of(SaveOptions.Format.DOCKER));
  }

  private Manifest manifest(Image image) throws IOException {
    List<PushedBlob> blobs = new ArrayList<>();
    boolean hasZstd = options.compression() == Compression.ZSTD;
    for (DiffId diffId : image.config().diffIds()) {
      PushedBlob layer = pushed.get(diffId);
      if (layer == null) {
        throw new IllegalStateException("layer " + diffId + " was not pushed");
      }
      blobs.add(layer);
      hasZstd |= layer.format() == CompressionFormat.ZSTD;
    }
    byte[] config = image.configBytes().toByteArray();
    boolean isDocker = options.format().map(format -> isDocker()).orElse(!hasZstd);
    Descriptor configuration =
        Descriptor.of(
            isDocker ? MediaTypes.DOCKER_CONFIG : MediaTypes.CONFIG,
            config.length,
            image.id().digest());
    if (repository.blobSize(configuration.digest()).isEmpty()) {
      repository.upload(configuration.mediaType(), out -> out.write(config));
    }
    List<Digest> digests = blobs.stream().map(PushedBlob::digest).toList();
    List<ImageManifest> own = manifestsOf(image);
    ImageManifest same = PlatformVariants.describing(own, image.id(), digests);
    if (same != null) {
      return verbatim(same);
    }
    if (!own.isEmpty()) {
      notes.add(
          "the manifest of "
              + image.id()
              + " is a new one, since its layers are compressed otherwise than where it came"
              + " from; 'copy' between registries keeps them");
    }
    List<Descriptor> descriptors =
        blobs.stream()
            .map(
                blob ->
                    Descriptor.of(
                        ImageDocuments.layerType(blob.format(), isDocker),
                        blob.sizeBytes(),
                        blob.digest()))
            .toList();
    return ImageDocuments.manifest(isDocker, configuration, descriptors);
  }

  /** A cache, so a failure is no more than a slower push next time. */
  private void noteSource(DiffId diffId, Digest digest) {
    if (host.options().readOnly()) {
      return;
    }
    try {
      host.images()
          .distribution()
          .add(diffId, new Source(digest, target.canonicalRepository(), ""));
    } catch (LayerStoreException e) {
      log.warn("cannot note where layer {} is now", diffId, e);
    }
  }

  /** As Docker does: an image is known by its digest in that repository from now on. */
  private List<String> noteNames(Map<ImageReference, ImageId> names) {
    if (host.options().readOnly()) {
      return List.of();
    }
    try {
      host.tagLoaded(names);
      return List.of();
    } catch (LayerStoreException e) {
      return List.of("the digest was not noted as a name of the image: " + e.getMessage());
    }
  }
}
