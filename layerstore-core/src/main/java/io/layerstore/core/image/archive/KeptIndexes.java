package io.layerstore.core.image.archive;

import io.layerstore.Digest;
import io.layerstore.ImageManifest;
import io.layerstore.LayerStoreException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds an index that images came in, which can go with them where all that it lists is. */
final class KeptIndexes {

  private final Map<Digest, ImageManifest> indexes = new LinkedHashMap<>();
  private final Set<Digest> manifests;
  private final Place place;

  /** Where images and the index go. */
  interface Place {

    /** Whether it has a manifest that is not among those that go there now. */
    boolean has(Digest manifest) throws LayerStoreException;

    /** Takes an index that is in another one. */
    void put(ImageManifest index) throws LayerStoreException;
  }

  private KeptIndexes(List<ImageManifest> indexes, Set<Digest> manifests, Place place) {
    indexes.forEach(index -> this.indexes.put(index.descriptor().digest(), index));
    this.manifests = manifests;
    this.place = place;
  }

  /**
   * The first of {@code indexes} that lists all of {@code manifests} and nothing else that is not
   * there; null if there is none.
   */
  static @Nullable ImageManifest find(
      List<ImageManifest> indexes, Set<Digest> manifests, Place place) throws LayerStoreException {
    KeptIndexes kept = new KeptIndexes(indexes, manifests, place);
    for (ImageManifest index : kept.indexes.values()) {
      Set<Digest> listed = new HashSet<>();
      kept.list(index, listed, 0);
      List<ImageManifest> inner = new ArrayList<>();
      if (listed.containsAll(manifests) && kept.isComplete(index, inner, 0)) {
        for (ImageManifest each : inner) {
          place.put(each);
        }
        return index;
      }
    }
    return null;
  }

  private void list(ImageManifest index, Set<Digest> listed, int nesting)
      throws LayerStoreException {
    for (BlobDescriptor entry : PlatformVariants.entries(index)) {
      listed.add(entry.digest());
      ImageManifest inner = indexes.get(entry.digest());
      if (inner != null && nesting < PlatformVariants.MAX_NESTING) {
        list(inner, listed, nesting + 1);
      }
    }
  }

  private boolean isComplete(ImageManifest index, List<ImageManifest> found, int nesting)
      throws LayerStoreException {
    for (BlobDescriptor entry : PlatformVariants.entries(index)) {
      ImageManifest inner = indexes.get(entry.digest());
      if (inner != null && nesting < PlatformVariants.MAX_NESTING) {
        if (!isComplete(inner, found, nesting + 1)) {
          return false;
        }
        found.add(inner);
      } else if (!manifests.contains(entry.digest()) && !place.has(entry.digest())) {
        return false;
      }
    }
    return true;
  }
}
