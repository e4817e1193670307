package io.layerstore;

import org.jspecify.annotations.Nullable;

/**
 * A file of the store's metadata is missing, malformed, or contradicts another. Nothing was
 * removed.
 */
public class StoreCorruptedException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String file;

  /** About {@code file}, with what is wrong with it. */
  public StoreCorruptedException(String file, String problem) {
    this(file, problem, null);
  }

  /** About {@code file}, with what is wrong with it and what caused it. */
  public StoreCorruptedException(String file, String problem, @Nullable Throwable cause) {
    this(file, problem, "register the layer again to heal it", cause);
  }

  /** About {@code file}, with what is wrong with it, what to do about it, and what caused it. */
  public StoreCorruptedException(
      String file, String problem, String advice, @Nullable Throwable cause) {
    super(file + " is damaged: " + problem + "; " + advice, cause);
    this.file = file;
  }

  /** The damaged file. */
  public String file() {
    return file;
  }
}
