package io.layerstore.core.image.archive;

import java.io.IOException;
import java.io.InputStream;

/** The content of one member of an archive. Can be opened any number of times, on any thread. */
interface Blob {

  /** Its size in bytes. */
  long sizeBytes();

  /** Opens it at its beginning. */
  InputStream open() throws IOException;
}
