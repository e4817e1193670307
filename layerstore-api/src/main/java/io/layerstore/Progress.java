package io.layerstore;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How far a long operation has come. Immutable.
 *
 * <p>The counts are those of the whole operation and never go back; the phases of one operation
 * come in their order. Where an event is about one layer, {@link #layer} has the counts of that
 * layer alone.
 *
 * @param operation what is going on; the same in all events of one call
 * @param phase what is being done
 * @param image the image being worked on, as the caller or the archive names it, or else its ID;
 *     empty while it is not known, and if the operation has no image
 * @param layer the layer that is being worked on; empty where the event is about the whole
 *     operation
 * @param bytes the bytes read from the source so far, compressed if the source is
 * @param entries the archive entries handled so far
 * @param totalBytes the size of the source in bytes, where it is known
 * @param waitingFor the other store, as a rule of another process, that has to be done with the
 *     same layer first; empty while there is none
 */
public record Progress(
    Operation operation,
    Phase phase,
    Optional<String> image,
    Optional<LayerProgress> layer,
    long bytes,
    long entries,
    OptionalLong totalBytes,
    Optional<StoreUser> waitingFor) {

  /** Rejects nulls. */
  public Progress {
    Objects.requireNonNull(operation, "operation");
    Objects.requireNonNull(phase, "phase");
    Objects.requireNonNull(image, "image");
    Objects.requireNonNull(layer, "layer");
    Objects.requireNonNull(totalBytes, "totalBytes");
    Objects.requireNonNull(waitingFor, "waitingFor");
  }

  /**
   * One call of a long-running method.
   *
   * @param id unique in this process
   * @param kind what it does
   */
  public record Operation(long id, Kind kind) {

    /** Rejects nulls. */
    public Operation {
      Objects.requireNonNull(kind, "kind");
    }
  }

  /** What an operation does. */
  public enum Kind {
    /** Adds a layer. */
    REGISTER,
    /** Makes a layer, or an image, from the changes of a read-write layer. */
    COMMIT,
    /** Applies an archive to a read-write layer. */
    APPLY,
    /** Makes an image of a root file system. */
    IMPORT,
    /** Loads images from an archive. */
    LOAD,
    /** Saves images to an archive. */
    SAVE,
    /** Pulls images from a registry. */
    PULL,
    /** Pushes an image to a registry. */
    PUSH
  }

  /** The steps of an operation, in their order; none has all of them. */
  public enum Phase {
    /** Waiting for another store that works on the same layer, before anything is read. */
    WAITING,
    /**
     * Fetching archives from a registry. Goes on while others are unpacked, so that events of both
     * alternate; the bytes of the layer are those that have come.
     */
    FETCHING,
    /** Reading, checking and unpacking archives. */
    UNPACKING,
    /** Forcing content to the disk. */
    SYNCING,
    /** Publishing the metadata. */
    COMMITTING,
    /** Reading layers from the store and compressing them, to learn sizes and digests. */
    COMPRESSING,
    /** Reading layers from the store and writing the archive. */
    WRITING,
    /** Finished. */
    DONE
  }

  /**
   * How far an operation has come with one layer.
   *
   * @param diffId its diff ID, once it is known: from the beginning if the caller or the archive
   *     said it, otherwise at the end
   * @param bytes the bytes of its archive fetched or read so far, compressed if the archive is
   * @param totalBytes the size of its archive in bytes, where it is known
   */
  public record LayerProgress(Optional<DiffId> diffId, long bytes, OptionalLong totalBytes) {

    /** Rejects nulls. */
    public LayerProgress {
      Objects.requireNonNull(diffId, "diffId");
      Objects.requireNonNull(totalBytes, "totalBytes");
    }
  }

  /** Is told how far an operation has come. */
  @FunctionalInterface
  public interface Listener {

    /**
     * Called from a thread that works on the operation, one at a time, at every change of phase and
     * not more often than about ten times a second for each layer in between. Several operations
     * may call at once. An exception thrown here is logged and otherwise ignored.
     */
    void onProgress(Progress progress);
  }
}
