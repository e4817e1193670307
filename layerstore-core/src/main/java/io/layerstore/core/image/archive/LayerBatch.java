package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Layers that come into the store together: unpacked in any order the driver allows, and published,
 * parents first, when all of them are what they must be.
 *
 * <p>{@link #prepare} once, then {@link #unpack} and {@link #unpackAll}, then {@link #publish}; and
 * {@link #close} always. Until then the batch holds every layer it was told of, new or not, so that
 * none is deleted meanwhile. What was not published is removed at the close. Whoever registers one
 * of the new layers meanwhile waits for the publication. Used by one thread.
 */
public interface LayerBatch extends AutoCloseable {

  /**
   * A layer that shall be in the store.
   *
   * @param parent the layer below, which is in the store or comes before in the batch; null for a
   *     base layer
   * @param diffId the digest of its archive
   * @param image what people call an image it is of
   */
  record Wanted(@Nullable ChainId parent, DiffId diffId, String image) {

    /** Its chain ID. */
    public ChainId chainId() {
      return ChainId.of(parent, diffId);
    }
  }

  /**
   * Finds out which layers are missing.
   *
   * @param layers parents before children, none twice
   * @return those to be unpacked, in their order; a damaged one is among them, to be healed
   */
  Set<ChainId> prepare(List<Wanted> layers) throws LayerStoreException;

  /**
   * Whether {@link #unpack} can take this layer, one of the missing, now: a driver that copies
   * needs the layers below first.
   */
  boolean isReady(ChainId chainId);

  /**
   * Unpacks one layer that is ready.
   *
   * @param archive plain or compressed, read to its end and not closed
   * @throws io.layerstore.LayerVerificationException if it is another layer
   */
  void unpack(ChainId chainId, InputStream archive) throws LayerStoreException;

  /**
   * Unpacks all missing layers that are not yet, several at a time.
   *
   * @param sources where the archives are; may be opened on any thread
   */
  void unpackAll(Map<ChainId, LayerSource> sources) throws LayerStoreException;

  /**
   * What {@code docker load} would refuse layers for that were unpacked; in words, none for most.
   */
  Map<ChainId, String> refusals();

  /**
   * Makes the layers visible. If that fails, none of them stays.
   *
   * @return those that are new
   */
  Set<ChainId> publish() throws LayerStoreException;

  /** Deletes the layers again that {@link #publish} made visible and nothing else holds. */
  void withdraw() throws LayerStoreException;

  /** Lets go of the layers, and removes what was not published. A second call does nothing. */
  @Override
  void close() throws LayerStoreException;
}
