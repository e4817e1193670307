package io.layerstore;

import java.util.OptionalLong;

/**
 * How far a long operation has come.
 *
 * @param phase what is being done
 * @param bytes the bytes taken from the source so far, compressed if the source is
 * @param entries the archive entries handled so far
 * @param totalBytes the size of the source in bytes, where it is known
 */
public record Progress(Phase phase, long bytes, long entries, OptionalLong totalBytes) {

  /** The steps of an operation, in their order. */
  public enum Phase {
    /** Reading, checking and unpacking the archive. */
    UNPACKING,
    /** Forcing content to the disk. */
    SYNCING,
    /** Publishing the metadata. */
    COMMITTING,
    /** Finished. */
    DONE
  }
}
