package io.layerstore;

import org.jspecify.annotations.Nullable;

/** An archive tries to reach a file outside its layer. */
public class BreakoutException extends ArchiveException {
  private static final long serialVersionUID = 1L;

  /** About the entry number {@code entryIndex}, from 0, or the whole archive. */
  public BreakoutException(long entryIndex, String entryName, String problem) {
    this(entryIndex, entryName, problem, null);
  }

  /**
   * About the entry number {@code entryIndex}, from 0, or the whole archive, with what caused it.
   */
  public BreakoutException(
      long entryIndex, String entryName, String problem, @Nullable Throwable cause) {
    super(entryIndex, entryName, problem, cause);
  }
}
