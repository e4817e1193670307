package io.layerstore.core.layer;

import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.core.work.Interrupts;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.OptionalLong;

/** Opens the archives that callers give. */
public final class LayerSources {

  private static final String OPERATION = "opening the layer archive";

  private LayerSources() {}

  /** A source that gives a caller's stream, which stays open. */
  public static LayerSource ofStream(InputStream stream) {
    return new OfCaller(stream);
  }

  private record OfCaller(InputStream stream) implements LayerSource {
    @Override
    public InputStream open() {
      return stream;
    }
  }

  /** An archive that is open. Closing it leaves a caller's stream open. */
  record Opened(InputStream stream, boolean isOfCaller) implements Closeable {
    @Override
    public void close() throws IOException {
      if (!isOfCaller) {
        stream.close();
      }
    }
  }

  static Opened open(LayerSource source) throws LayerStoreException {
    try {
      return new Opened(source.open(), source instanceof OfCaller);
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
