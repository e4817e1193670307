package io.layerstore.core.image.archive;

import io.layerstore.ArchiveException;
import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.DistributionMetadata;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadReport;
import io.layerstore.LoadReport.LoadedImage;
import io.layerstore.Platform;
import io.layerstore.Progress;
import io.layerstore.PullOptions;
import io.layerstore.RegistryException;
import io.layerstore.core.image.download.BlobDownloads;
import io.layerstore.core.image.download.PartialBlobs;
import io.layerstore.core.json.GoStruct;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.layer.ArchiveLayers;
import io.layerstore.core.layer.LayerBatch;
import io.layerstore.core.layer.ProgressReporter;
import io.layerstore.core.work.Interrupts;
import io.layerstore.spi.RegistryProvider;
import io.layerstore.spi.RegistryRepository;
import io.layerstore.spi.RegistryRepository.Manifest;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pulls images from a registry: a load whose documents and layers come from there. What {@link
 * ImageLoad} says of checking and publishing holds here, too.
 */
final class ImagePull {

  private static final Logger log = LoggerFactory.getLogger(ImagePull.class);
  private static final String OPERATION = "pulling images";
  private static final String SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+";

  /** What the worst content costs a format: less than one byte in so many, and these. */
  private static final int COMPRESSION_OVERHEAD = 64;

  private static final int MIN_COMPRESSION_OVERHEAD = 1 << 20;

  private final ArchiveLayers layers;
  private final ImageArchives.Host host;
  private final PullOptions options;
  private final ImageReference reference;
  private final RegistryRepository repository;
  private final RegistryMembers members;
  private final Contents.Builder found = new Contents.Builder(null);

  private ImagePull(
      ArchiveLayers layers,
      ImageArchives.Host host,
      PullOptions options,
      ImageReference reference,
      RegistryRepository repository) {
    this.layers = layers;
    this.host = host;
    this.options = options;
    this.reference = reference;
    this.repository = repository;
    this.members = new RegistryMembers(reference, repository);
  }

  static LoadReport pull(
      ArchiveLayers layers,
      ImageArchives.Host host,
      PartialBlobs partials,
      ImageReference asked,
      PullOptions options)
      throws LayerStoreException {
    if (options.allTags() && asked.digest().isPresent()) {
      throw new IllegalArgumentException(
          "a digest names one image, so there are no tags to pull: " + asked);
    }
    ImageReference reference =
        asked.isRepository() ? asked.withTag(ImageReference.DEFAULT_TAG) : asked;
    LoadReport present = options.allTags() ? null : present(host, reference, options);
    if (present != null) {
      return present;
    }
    try (RegistryRepository repository =
        RegistryProvider.find().open(reference, RegistryProvider.Access.PULL, options.registry())) {
      return new ImagePull(layers, host, options, reference, repository).pull(partials);
    } catch (IOException e) {
      throw Interrupts.translate(OPERATION, e);
    }
  }

  /** What the policy is content with; null if the registry is to be asked. */
  private static @Nullable LoadReport present(
      ImageArchives.Host host, ImageReference reference, PullOptions options)
      throws LayerStoreException {
    if (options.policy() == PullOptions.Policy.ALWAYS) {
      return null;
    }
    Optional<ImageId> id = host.images().references().find(reference);
    if (id.isPresent()) {
      Image image = host.images().get(id.get());
      Platform platform = options.platform().orElse(null);
      PlatformVariants variants = new PlatformVariants(host);
      List<PlatformVariants.Variant> here =
          variants.of(reference.toString(), image, null, options.allPlatforms());
      boolean areAll = variants.notes().isEmpty();
      if ((platform == null || PlatformChoice.fits(image.config(), platform))
          && (areAll || options.policy() == PullOptions.Policy.NEVER)) {
        return new LoadReport(
            here.stream().map(variant -> loaded(variant.image(), image, reference)).toList(),
            variants.notes());
      }
    }
    if (options.policy() == PullOptions.Policy.NEVER) {
      throw new ImageNotFoundException(reference.toString());
    }
    return null;
  }

  private static LoadedImage loaded(Image image, Image named, ImageReference reference) {
    boolean isNamed = image.id().equals(named.id());
    return new LoadedImage(image.id(), isNamed ? List.of(reference) : List.of(), List.of());
  }

  private LoadReport pull(PartialBlobs partials) throws IOException {
    if (options.allTags()) {
      for (String tag : repository.tags()) {
        add(reference.withTag(tag));
      }
    } else {
      add(reference);
    }
    Contents contents = found.build();
    contents.requireImages(reference + " has no image to pull");
    // What is for other platforms was not asked for, so nobody need be told that it was left out.
    contents = contents.withoutNotes();
    partials.sweep(false);
    try (LayerBatch batch =
            layers.begin(Progress.Kind.PULL, options.progress(), /* verifiesExisting= */ false);
        BlobDownloads downloads = new BlobDownloads(reference, repository, partials)) {
      LoadPlan plan = new LoadPlan(contents, batch);
      Map<ChainId, LayerSource> sources = new LinkedHashMap<>();
      for (Map.Entry<ChainId, ArchivedLayer> layer : plan.left().entrySet()) {
        Descriptor blob = blob(layer.getValue()).toDescriptor();
        requireWithinLimits(blob);
        ProgressReporter.OfLayer counts = batch.fetching(layer.getKey());
        sources.put(
            layer.getKey(), downloads.add(blob, count -> counts.fetched(count, blob.sizeBytes())));
      }
      downloads.start(options.concurrency());
      try {
        batch.unpackAll(sources);
      } catch (ArchiveException e) {
        // What came early and made no sense may be another thing than what was asked for.
        downloads.requireRightBytes();
        throw e;
      }
      LoadReport report = new ImagePublication(host, batch).publish(contents);
      downloads.complete();
      noteSources(contents);
      return report;
    }
  }

  /** Refuses what cannot but be too large once it is unpacked, before any of it is on the disk. */
  private void requireWithinLimits(Descriptor blob) throws RegistryException {
    long size = blob.sizeBytes();
    long limit = layers.limits().maxUnpackedBytes();
    // What cannot be compressed has become a little larger.
    if (size - size / COMPRESSION_OVERHEAD - MIN_COMPRESSION_OVERHEAD > limit) {
      throw new RegistryException(
          RegistryException.Kind.TOO_LARGE,
          reference.domain(),
          reference.toString(),
          "the layer "
              + blob.digest()
              + " of "
              + reference
              + " has "
              + size
              + " bytes, and may have no more than "
              + limit
              + " (maxUnpackedBytes)",
          null);
    }
  }

  private static BlobDescriptor blob(ArchivedLayer layer) {
    BlobDescriptor blob = layer.place().expected();
    if (blob == null) {
      throw new IllegalStateException("a layer of a manifest has a descriptor: " + layer.diffId());
    }
    return blob;
  }

  private void add(ImageReference tagOrDigest) throws IOException {
    Manifest manifest = repository.manifest(tagOrDigest);
    Digest digest = manifest.descriptor().digest();
    Digest expected = options.expectedDigest().orElse(digest);
    if (!digest.equals(expected)) {
      throw new RegistryException(
          RegistryException.Kind.WRONG_DIGEST,
          reference.domain(),
          tagOrDigest.toString(),
          tagOrDigest + " is " + digest + " in the registry, and not " + expected,
          null);
    }
    BlobDescriptor document =
        new BlobDescriptor(
            mediaType(tagOrDigest, manifest),
            digest,
            manifest.bytes().length,
            List.of(),
            Map.of(),
            null);
    members.add(document, manifest.bytes());
    List<ImageReference> names =
        tagOrDigest.digest().isPresent()
            ? List.of(tagOrDigest)
            : List.of(tagOrDigest, tagOrDigest.withDigest(digest));
    Wanted wanted = new Wanted(options.platform().orElse(null), options.allPlatforms());
    Contents contents =
        new OciLayout(members, members, wanted, layers.limits(), true)
            .read(document, names, reference);
    contents.images().forEach(found::addChosen);
    contents.notes().forEach(found::note);
  }

  /** The type of a document, which its content says where the registry does not. */
  private String mediaType(ImageReference asked, Manifest manifest) throws IOException {
    String said = manifest.descriptor().mediaType();
    if (MediaTypes.isIndex(said) || MediaTypes.isManifest(said)) {
      return said;
    }
    JsonValue json;
    try {
      json = GoStruct.parse("the manifest of " + asked, manifest.bytes());
    } catch (InvalidImageException e) {
      throw new RegistryException(
          RegistryException.Kind.INVALID_RESPONSE,
          reference.domain(),
          asked.toString(),
          "the registry "
              + reference.domain()
              + " gave no manifest for "
              + asked
              + ": "
              + e.getMessage(),
          e);
    }
    GoStruct document = GoStruct.strict("the manifest of " + asked, json);
    if (said.startsWith(SCHEMA_1) || document.integer("schemaVersion", 2) == 1) {
      throw new RegistryException(
          RegistryException.Kind.UNSUPPORTED,
          reference.domain(),
          asked.toString(),
          asked
              + " has a manifest of schema 1, a form that was given up in 2017; push the image"
              + " again with a current tool",
          null);
    }
    if (!document.text("mediaType").isEmpty()) {
      return document.text("mediaType");
    }
    return document.has("manifests") ? MediaTypes.INDEX : MediaTypes.MANIFEST;
  }

  /** As Docker does, also for layers that were there. They are a cache, so a failure is no more. */
  private void noteSources(Contents contents) {
    for (ArchivedImage image : contents.images()) {
      for (ArchivedLayer layer : image.layers()) {
        try {
          host.images()
              .distribution()
              .add(
                  layer.diffId(),
                  new DistributionMetadata.Source(
                      blob(layer).digest(), reference.canonicalRepository(), ""));
        } catch (LayerStoreException e) {
          log.warn("cannot note where layer {} is from", layer.diffId(), e);
        }
      }
    }
  }
}
