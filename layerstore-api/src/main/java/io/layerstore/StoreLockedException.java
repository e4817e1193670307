package io.layerstore;

import java.nio.file.Path;

/** Another process, or another store in this one, has the root open for writing. */
public class StoreLockedException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final transient Path root;

  /** Carries the facts. */
  public StoreLockedException(Path root) {
    super(
        "the store at "
            + root
            + " is open for writing elsewhere; close that store, or open this one for reading only");
    this.root = root;
  }

  /** The root of the store. */
  public Path root() {
    return root;
  }
}
