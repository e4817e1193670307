package io.layerstore;

import java.nio.file.Path;

/** There is no store at a root, and opening it was not to make one. Nothing was changed. */
public class StoreNotFoundException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final transient Path root;

  /** About {@code root}. */
  public StoreNotFoundException(Path root) {
    this(root, "there is no store at " + root + "; check the path, or open it so that one is made");
  }

  /** With a message of its own. */
  StoreNotFoundException(Path root, String message) {
    super(message);
    this.root = root;
  }

  /** The root that was to be opened. */
  public Path root() {
    return root;
  }
}
