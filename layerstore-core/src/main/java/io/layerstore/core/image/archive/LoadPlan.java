package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.core.layer.LayerBatch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What is to be done to load the images of an archive: which layers are missing, and where they
 * are.
 */
final class LoadPlan {

  private final Contents contents;
  private final Map<ChainId, ArchivedLayer> layers = new LinkedHashMap<>();
  private final Set<ChainId> left = new LinkedHashSet<>();

  /** Makes the plan, and {@code batch} hold what is there already. */
  LoadPlan(Contents contents, LayerBatch batch) throws LayerStoreException {
    this.contents = contents;
    List<LayerBatch.Wanted> wanted = new ArrayList<>();
    for (ArchivedImage image : contents.images()) {
      ChainId parent = null;
      for (ArchivedLayer layer : image.layers()) {
        LayerBatch.Wanted next = new LayerBatch.Wanted(parent, layer.diffId(), image.title());
        parent = next.chainId();
        if (layers.putIfAbsent(parent, layer) == null) {
          wanted.add(next);
        }
      }
    }
    left.addAll(batch.prepare(wanted));
  }

  Contents contents() {
    return contents;
  }

  /** The missing layers that the member at {@code path} holds. */
  List<ChainId> heldBy(String path, Members members) throws IOException {
    List<ChainId> held = new ArrayList<>();
    for (ChainId chainId : left) {
      if (members.place(layer(chainId).place().path()).path().equals(path)) {
        held.add(chainId);
      }
    }
    return held;
  }

  ArchivedLayer layer(ChainId chainId) {
    ArchivedLayer layer = layers.get(chainId);
    if (layer == null) {
      throw new IllegalArgumentException("not a layer of the archive: " + chainId);
    }
    return layer;
  }

  /** The missing layers, those below before those on them. */
  Map<ChainId, ArchivedLayer> left() {
    Map<ChainId, ArchivedLayer> missing = new LinkedHashMap<>();
    left.forEach(chainId -> missing.put(chainId, layer(chainId)));
    return missing;
  }

  /** Notes that a layer was unpacked. */
  void done(ChainId chainId) {
    left.remove(chainId);
  }

  /**
   * Where the layers are that are left; all of them are there, and of the right size.
   *
   * @throws MissingMemberException if one is not in the archive
   */
  Map<ChainId, LayerSource> sources(Members members) throws IOException {
    Map<ChainId, LayerSource> sources = new LinkedHashMap<>();
    for (ChainId chainId : left) {
      ArchivedLayer layer = layer(chainId);
      String path = layer.place().path();
      Blob blob = members.find(path);
      if (blob == null) {
        throw new MissingMemberException(path);
      }
      BlobDescriptor expected = layer.place().expected();
      if (expected != null) {
        expected.requireSize(blob.sizeBytes());
      }
      sources.put(chainId, new LayerBlob(layer, blob));
    }
    return sources;
  }
}
