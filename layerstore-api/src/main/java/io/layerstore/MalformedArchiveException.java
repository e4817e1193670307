package io.layerstore;

import org.jspecify.annotations.Nullable;

/** An archive breaks the rules of its format, is cut off, or is ambiguous between readers. */
public class MalformedArchiveException extends ArchiveException {
  private static final long serialVersionUID = 1L;

  /** About the entry number {@code entryIndex}, from 0, or the whole archive. */
  public MalformedArchiveException(long entryIndex, String entryName, String problem) {
    this(entryIndex, entryName, problem, null);
  }

  /**
   * About the entry number {@code entryIndex}, from 0, or the whole archive, with what caused it.
   */
  public MalformedArchiveException(
      long entryIndex, String entryName, String problem, @Nullable Throwable cause) {
    super(entryIndex, entryName, problem, cause);
  }
}
