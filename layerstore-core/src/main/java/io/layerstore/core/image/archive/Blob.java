package io.layerstore.core.image.archive;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;

/** The content of one member of an archive. Can be opened any number of times, on any thread. */
interface Blob {

  /** Its size in bytes. */
  long sizeBytes();

  /** Opens it at its beginning. */
  InputStream open() throws IOException;

  /** Of bytes in memory, which are not copied. */
  static Blob of(byte[] bytes) {
    return new Blob() {
      @Override
      public long sizeBytes() {
        return bytes.length;
      }

      @Override
      public InputStream open() {
        return new ByteArrayInputStream(bytes);
      }
    };
  }
}
