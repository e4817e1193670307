package io.layerstore;

import java.nio.file.Path;

/** A change was asked of a store that is open for reading only. */
public class ReadOnlyStoreException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final transient Path root;

  /** Carries the facts. */
  public ReadOnlyStoreException(Path root) {
    super("the store at " + root + " is open for reading only; open it for writing to change it");
    this.root = root;
  }

  /** The root of the store. */
  public Path root() {
    return root;
  }
}
