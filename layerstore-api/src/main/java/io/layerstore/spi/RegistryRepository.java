package io.layerstore.spi;

import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.OptionalLong;

/**
 * One repository of a registry. Safe for use by many threads. What fails for a moment is tried
 * again as the options say; what fails for good is a {@link io.layerstore.RegistryException}. An
 * interrupt ends a call at once.
 */
public interface RegistryRepository extends AutoCloseable {

  /** As large as a manifest or an index may be. */
  int MAX_MANIFEST_BYTES = 4 << 20;

  /**
   * A manifest or an index, verbatim.
   *
   * @param descriptor its media type, as the registry says it, its size and its digest
   * @param bytes its bytes
   */
  @SuppressWarnings("ArrayRecordComponent") // Handed on, never compared.
  record Manifest(Descriptor descriptor, byte[] bytes) {}

  /** Something that can be written several times, with the same bytes each time. */
  @FunctionalInterface
  interface Content {

    /** Writes all of it; {@code out} stays open. */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * The manifest or index that a tag or a digest names, of {@link #MAX_MANIFEST_BYTES} at the most.
   * One asked for by digest has that digest.
   */
  Manifest manifest(ImageReference reference) throws LayerStoreException;

  /** All tags, sorted. */
  List<String> tags() throws LayerStoreException;

  /** The size of a blob; empty if it is not there. */
  OptionalLong blobSize(Digest digest) throws LayerStoreException;

  /**
   * A blob from {@code offset} on, as it comes: goes on by itself after a break, and ends after as
   * many bytes as the descriptor says. The caller checks the digest.
   */
  InputStream blob(Descriptor blob, long offset) throws LayerStoreException;

  /**
   * Takes a blob from another repository of the same registry.
   *
   * @param repository that repository, without the registry's host
   * @return whether the registry did
   */
  boolean mount(Digest digest, String repository) throws LayerStoreException;

  /**
   * Uploads a blob. After a break goes on where the registry says it is.
   *
   * @param mediaType what the descriptor will say
   * @return what was uploaded
   * @throws IOException what the content throws, too
   */
  Descriptor upload(String mediaType, Content content) throws IOException;

  /** Uploads a manifest or an index, under a tag or its digest. */
  void put(ImageReference reference, Manifest manifest) throws LayerStoreException;

  /** Ends everything that is under way. A second call does nothing. */
  @Override
  void close();
}
