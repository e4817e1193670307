package io.layerstore.core.view;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import java.io.IOException;
import java.io.InputStream;

/**
 * A layer whose archive can be read at any place.
 *
 * @param diffId its content
 * @param chainId its content and that of the layers below
 * @param archive opens the archive, uncompressed
 */
public record ArchivedLayer(DiffId diffId, ChainId chainId, Archive archive) {

  /** An archive. */
  @FunctionalInterface
  public interface Archive {
    /** A new stream from its beginning, which is good at skipping; closed by the caller. */
    InputStream open() throws IOException;
  }
}
