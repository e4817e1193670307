package io.layerstore;

import org.jspecify.annotations.Nullable;

/** Two names of an archive are the same file on this file system, though their bytes differ. */
public class DuplicateEntryException extends ArchiveException {
  private static final long serialVersionUID = 1L;

  /** About the entry number {@code entryIndex}, from 0, or the whole archive. */
  public DuplicateEntryException(long entryIndex, String entryName, String problem) {
    this(entryIndex, entryName, problem, null);
  }

  /**
   * About the entry number {@code entryIndex}, from 0, or the whole archive, with what caused it.
   */
  public DuplicateEntryException(
      long entryIndex, String entryName, String problem, @Nullable Throwable cause) {
    super(entryIndex, entryName, problem, cause);
  }
}
