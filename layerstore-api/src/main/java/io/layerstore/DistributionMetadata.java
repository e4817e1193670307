package io.layerstore;

import java.util.List;
import java.util.Optional;

/**
 * What is known about the compressed forms of layers in registries: Docker's {@code distribution}
 * directory.
 *
 * <p>A cache: it may be absent, and may name layers that are gone. Safe for use by many threads.
 */
public interface DistributionMetadata {

  /**
   * One place that has a layer's compressed form.
   *
   * @param digest the digest of the compressed bytes
   * @param sourceRepository the repository it was pulled from or pushed to
   * @param hmac the proof that whoever wrote this had the registry's credentials, in hexadecimal;
   *     empty for none
   */
  record Source(Digest digest, String sourceRepository, String hmac) {}

  /** The layer whose compressed form has this digest. */
  Optional<DiffId> diffId(Digest compressed) throws LayerStoreException;

  /** The known places of a layer, oldest first. */
  List<Source> sources(DiffId diffId) throws LayerStoreException;

  /** Adds a place as the newest one; only the newest fifty are kept. */
  void add(DiffId diffId, Source source) throws LayerStoreException;

  /** Forgets a place. */
  void remove(DiffId diffId, Source source) throws LayerStoreException;

  /**
   * The proof for a place: HMAC-SHA256 over the digest and the repository, keyed with the digest of
   * the credentials' JSON.
   *
   * @param credentialsJson the registry credentials as the engine writes them; {@code {}} for
   *     anonymous access
   */
  String hmac(String credentialsJson, Digest digest, String sourceRepository);
}
