package io.layerstore.core.view;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.tarsplit.EntryReader;
import io.layerstore.core.tarsplit.HeadersStream;
import io.layerstore.spi.FileGetter;
import java.io.IOException;
import java.io.InputStream;

/**
 * A layer of a store.
 *
 * @param diffId its content
 * @param chainId its content and that of the layers below
 * @param headers opens its tar-split, compressed as it is
 * @param files opens its files
 */
public record StoredLayer(DiffId diffId, ChainId chainId, Headers headers, Files files) {

  /** Opens a tar-split. */
  @FunctionalInterface
  public interface Headers {
    /** A new stream, closed by the caller. */
    InputStream open() throws LayerStoreException;
  }

  /** Opens the files of a layer. */
  @FunctionalInterface
  public interface Files {
    /** What opens them, closed by the caller. */
    FileGetter open() throws LayerStoreException;
  }

  /** The archive without what is in files, made of the tar-split {@code compressed}. */
  HeadersStream archive(InputStream compressed) throws IOException {
    return new HeadersStream(
        new EntryReader(
            Decompression.open(compressed, Limits.NONE), "the tar-split of " + chainId));
  }
}
