package io.layerstore.core.image.archive;

import io.layerstore.Digest;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageManifest;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStoreException;
import io.layerstore.Platform;
import io.layerstore.core.json.GoStruct;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The images that are one image for several platforms: those that came in one index and are here.
 */
final class PlatformVariants {

  static final int MAX_NESTING = 8;

  private final ImageArchives.Host host;
  private final List<String> notes = new ArrayList<>();

  PlatformVariants(ImageArchives.Host host) {
    this.host = host;
  }

  /**
   * An image for one platform.
   *
   * @param image the image
   * @param platform as an index says it; as its configuration does if there is none
   */
  record Variant(Image image, Platform platform) {}

  /** What indexes list that is not here, a sentence each. */
  List<String> notes() {
    return notes;
  }

  /** An image by itself. */
  static Variant alone(Image image) {
    return new Variant(image, PlatformChoice.of(image.config()));
  }

  /**
   * What is meant by an image.
   *
   * @param name what it is called, for errors
   * @param platform the platform that is wanted of it; null for any
   * @param all whether all that are here are wanted
   * @throws InvalidImageException if it is not here for the platform
   */
  List<Variant> of(String name, Image image, @Nullable Platform platform, boolean all)
      throws LayerStoreException {
    if (platform == null && !all) {
      return List.of(alone(image));
    }
    List<BlobDescriptor> missing = new ArrayList<>();
    List<Variant> here = here(image, missing);
    if (platform == null) {
      if (!missing.isEmpty()) {
        notes.add(
            "of " + name + " the images for " + PlatformChoice.names(missing) + " are not here");
      }
      return here;
    }
    Variant found = best(here, platform);
    if (found == null && here.size() == 1 && PlatformChoice.fits(image.config(), platform)) {
      found = here.get(0); // It does not say what it is for.
    }
    if (found == null) {
      throw new InvalidImageException(
          name
              + " is not here for "
              + PlatformChoice.name(platform)
              + ", but for "
              + String.join(
                  ", ",
                  here.stream().map(variant -> PlatformChoice.name(variant.platform())).toList())
              + "; pull it for that platform, or for all");
    }
    return List.of(found);
  }

  private static @Nullable Variant best(List<Variant> here, Platform wanted) {
    Platform best = PlatformChoice.bestOf(here.stream().map(Variant::platform).toList(), wanted);
    return here.stream()
        .filter(variant -> variant.platform().equals(best))
        .findFirst()
        .orElse(null);
  }

  /** Those of the newest index that it came in, in its order. */
  private List<Variant> here(Image image, List<BlobDescriptor> missing) throws LayerStoreException {
    List<ImageManifest> documents = host.images().manifests(image.id());
    for (ImageManifest document : documents) {
      if (MediaTypes.isIndex(document.descriptor().mediaType())) {
        Map<ImageId, Variant> found = new LinkedHashMap<>();
        missing.clear();
        collect(document, documents, 0, found, missing);
        if (found.containsKey(image.id())) {
          return List.copyOf(found.values());
        }
      }
    }
    return List.of(alone(image));
  }

  private void collect(
      ImageManifest index,
      List<ImageManifest> known,
      int nesting,
      Map<ImageId, Variant> found,
      List<BlobDescriptor> missing)
      throws LayerStoreException {
    for (BlobDescriptor entry : entries(index)) {
      Optional<ImageId> id = host.findByManifest(entry.digest());
      if (id.isPresent()) {
        Image image = host.images().get(id.get());
        Platform said = entry.platform();
        found.putIfAbsent(id.get(), said == null ? alone(image) : new Variant(image, said));
        continue;
      }
      ImageManifest inner =
          known.stream()
              .filter(document -> document.descriptor().digest().equals(entry.digest()))
              .findFirst()
              .orElse(null);
      if (inner != null && nesting < MAX_NESTING) {
        collect(inner, known, nesting + 1, found, missing);
      } else if (!OciLayout.isAttestation(entry)) {
        missing.add(entry);
      }
    }
  }

  /** What an index lists. */
  static List<BlobDescriptor> entries(ImageManifest index) throws InvalidImageException {
    List<BlobDescriptor> entries = new ArrayList<>();
    for (GoStruct entry : json(index).structs("manifests")) {
      entries.add(BlobDescriptor.of(entry));
    }
    return entries;
  }

  private static GoStruct json(ImageManifest document) throws InvalidImageException {
    return GoStruct.strict(
        "the document " + document.descriptor().digest(), document.bytes().toByteArray());
  }

  /** The layers that a manifest names, bottom first; null if it is of another image. */
  static @Nullable List<BlobDescriptor> layers(ImageManifest manifest, ImageId image)
      throws InvalidImageException {
    GoStruct json = json(manifest);
    GoStruct config = json.struct("config");
    if (config == null || !Digest.parse(config.text("digest")).equals(image.digest())) {
      return null;
    }
    List<BlobDescriptor> layers = new ArrayList<>();
    for (GoStruct layer : json.structs("layers")) {
      layers.add(BlobDescriptor.of(layer));
    }
    return layers;
  }

  /** The first of {@code manifests} that describes an image with these layers, or null. */
  static @Nullable ImageManifest describing(
      List<ImageManifest> manifests, ImageId image, List<Digest> blobs)
      throws InvalidImageException {
    for (ImageManifest manifest : manifests) {
      List<BlobDescriptor> layers =
          MediaTypes.isManifest(manifest.descriptor().mediaType()) ? layers(manifest, image) : null;
      if (layers != null && layers.stream().map(BlobDescriptor::digest).toList().equals(blobs)) {
        return manifest;
      }
    }
    return null;
  }

  /**
   * The same, all for different platforms.
   *
   * @param all whether they are the images of indexes, of which several may have the same
   * @throws InvalidImageException if two are for one platform
   */
  static List<Variant> distinct(List<Variant> variants, boolean all) throws InvalidImageException {
    Map<Platform, Variant> byPlatform = new LinkedHashMap<>();
    for (Variant variant : variants) {
      Variant other = byPlatform.putIfAbsent(variant.platform(), variant);
      if (other != null && !(all && other.image().id().equals(variant.image().id()))) {
        throw new InvalidImageException(
            "both "
                + other.image().id()
                + " and "
                + variant.image().id()
                + " are for "
                + PlatformChoice.name(variant.platform())
                + "; give them different tags");
      }
    }
    return List.copyOf(byPlatform.values());
  }

  /** The indexes that images came in, the newest of the first image first. */
  static List<ImageManifest> indexes(ImageArchives.Host host, List<Variant> variants)
      throws LayerStoreException {
    Set<ImageManifest> indexes = new LinkedHashSet<>();
    for (Variant variant : variants) {
      host.images().manifests(variant.image().id()).stream()
          .filter(document -> MediaTypes.isIndex(document.descriptor().mediaType()))
          .forEach(indexes::add);
    }
    return List.copyOf(indexes);
  }
}
