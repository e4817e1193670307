package io.layerstore;

import org.jspecify.annotations.Nullable;

/**
 * A layer archive is refused.
 *
 * <p>Carries the number and the name of the entry at fault. The name is in printable form: control
 * characters and bytes that are not text are escaped.
 */
public class ArchiveException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  /** The entry number that stands for the archive as a whole. */
  public static final long NO_ENTRY = -1;

  private final long entryIndex;
  private final String entryName;

  /**
   * About the entry number {@code entryIndex}, from 0, or the whole archive, called {@code
   * entryName}.
   */
  public ArchiveException(
      long entryIndex, String entryName, String problem, @Nullable Throwable cause) {
    super(describe(entryIndex, entryName) + problem, cause);
    this.entryIndex = entryIndex;
    this.entryName = entryName;
  }

  private static String describe(long entryIndex, String entryName) {
    if (entryIndex == NO_ENTRY) {
      return "layer archive: ";
    }
    return "layer archive entry "
        + entryIndex
        + (entryName.isEmpty() ? "" : " \"" + entryName + "\"")
        + ": ";
  }

  /** The number of the entry, from 0, or {@link #NO_ENTRY}. */
  public long entryIndex() {
    return entryIndex;
  }

  /** The name of the entry in printable form; empty if it is not known. */
  public String entryName() {
    return entryName;
  }
}
