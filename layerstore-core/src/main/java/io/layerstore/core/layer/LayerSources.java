package io.layerstore.core.layer;

import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.core.work.Interrupts;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.OptionalLong;

/** Opens the archives that callers give. */
public final class LayerSources {

  private static final String OPERATION = "opening the layer archive";

  private LayerSources() {}

  /** A source that gives a caller's stream, which stays open. */
  public static LayerSource ofStream(InputStream stream) {
    return () ->
        new FilterInputStream(stream) {
          @Override
          public int read(byte[] bytes, int offset, int length) throws IOException {
            return in.read(bytes, offset, length);
          }

          @Override
          public void close() {
            // The stream belongs to the caller.
          }
        };
  }

  static InputStream open(LayerSource source) throws LayerStoreException {
    try {
      return source.open();
    } catch (IOException e) {
      throw Interrupts.translate(OPERATION, e);
    }
  }

  static OptionalLong size(LayerSource source) throws LayerStoreException {
    try {
      return source.sizeBytes();
    } catch (IOException e) {
      throw Interrupts.translate(OPERATION, e);
    }
  }
}
