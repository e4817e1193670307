package io.layerstore;

import org.jspecify.annotations.Nullable;

/** An archive has an entry that a layer cannot hold or that could not be exported again. */
public class UnsupportedEntryException extends ArchiveException {
  private static final long serialVersionUID = 1L;

  /** About the entry number {@code entryIndex}, from 0, or the whole archive. */
  public UnsupportedEntryException(long entryIndex, String entryName, String problem) {
    this(entryIndex, entryName, problem, null);
  }

  /**
   * About the entry number {@code entryIndex}, from 0, or the whole archive, with what caused it.
   */
  public UnsupportedEntryException(
      long entryIndex, String entryName, String problem, @Nullable Throwable cause) {
    super(entryIndex, entryName, problem, cause);
  }
}
