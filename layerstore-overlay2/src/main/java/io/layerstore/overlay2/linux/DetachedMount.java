package io.layerstore.overlay2.linux;

import io.layerstore.LayerStoreException;
import java.nio.file.Path;

/** A mount that is attached nowhere. Safe for use by many threads. */
public interface DetachedMount extends AutoCloseable {

  /** Where it can be looked into while it is open; not to be canonicalised. */
  Path path();

  /** Gives it up. A second call does nothing. */
  @Override
  void close() throws LayerStoreException;
}
