package io.layerstore.core.image.archive;

import io.layerstore.ByteString;
import io.layerstore.ImageConfig;
import io.layerstore.ImageId;
import io.layerstore.ImageManifest;
import io.layerstore.ImageReference;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStore;
import io.layerstore.MaxDepthExceededException;
import io.layerstore.core.image.config.ImageConfigReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One image of an archive, as its documents describe it; the layers have not been looked at.
 *
 * @param id its identity
 * @param configBytes its configuration, verbatim
 * @param config what that says
 * @param layers where its layers are, bottom first, one for each diff ID
 * @param references the names it is to get
 * @param parent the image it was made from, or null
 * @param manifests the documents that say so, to be kept: its manifest, then the indexes it is in,
 *     the innermost first
 */
record ArchivedImage(
    ImageId id,
    ByteString configBytes,
    ImageConfig config,
    List<ArchivedLayer> layers,
    List<ImageReference> references,
    @Nullable ImageId parent,
    List<ImageManifest> manifests) {

  private static final String OS = "linux";

  ArchivedImage {
    layers = List.copyOf(layers);
    references = List.copyOf(references);
    manifests = List.copyOf(manifests);
  }

  /**
   * Reads the configuration, and refuses an image that cannot be loaded whatever its layers are.
   *
   * @param places where the layers are
   * @throws NotAnImageException if it is for another operating system
   */
  static ArchivedImage of(
      byte[] configBytes,
      List<ArchivedLayer.Place> places,
      List<ImageReference> references,
      @Nullable ImageId parent)
      throws IOException {
    ImageConfig config = ImageConfigReader.read(configBytes);
    if (!config.os().isEmpty() && !config.os().equalsIgnoreCase(OS)) {
      throw new NotAnImageException(
          "cannot load " + ArchiveText.quoted(config.os()) + " image on " + OS);
    }
    ImageConfigReader.requireOs(config);
    int count = config.diffIds().size();
    if (places.size() != count) {
      throw new InvalidImageException(
          "invalid manifest, layers length mismatch: expected "
              + places.size()
              + ", got "
              + count
              + " in the image configuration");
    }
    if (count > LayerStore.MAX_DEPTH) {
      throw new MaxDepthExceededException(LayerStore.MAX_DEPTH);
    }
    List<ArchivedLayer> layers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      layers.add(new ArchivedLayer(config.diffIds().get(i), places.get(i)));
    }
    return new ArchivedImage(
        ImageId.of(configBytes),
        ByteString.of(configBytes),
        config,
        layers,
        references,
        parent,
        List.of());
  }

  /** What people call it: its first name, or else its ID. */
  String title() {
    return references.isEmpty() ? id.toString() : references.get(0).toString();
  }

  /** The same image with further names. */
  ArchivedImage withReferences(List<ImageReference> more) {
    List<ImageReference> all = new ArrayList<>(references);
    for (ImageReference reference : more) {
      if (!all.contains(reference)) {
        all.add(reference);
      }
    }
    return new ArchivedImage(id, configBytes, config, layers, all, parent, manifests);
  }

  /** The same image with further documents. */
  ArchivedImage withManifests(List<ImageManifest> more) {
    Set<ImageManifest> all = new LinkedHashSet<>(manifests);
    all.addAll(more);
    return new ArchivedImage(id, configBytes, config, layers, references, parent, List.copyOf(all));
  }
}
