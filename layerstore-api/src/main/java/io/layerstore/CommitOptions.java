package io.layerstore;

import java.util.Objects;

/**
 * How to commit a read-write layer. Immutable.
 *
 * @param releaseAfterwards whether to release the read-write layer once the new layer is in the
 *     store
 * @param progress where to report progress
 */
public record CommitOptions(boolean releaseAfterwards, ProgressListener progress) {

  /** The read-write layer goes on; no progress. */
  public static final CommitOptions DEFAULT = new CommitOptions(false, ProgressListener.NONE);

  /** Rejects nulls. */
  public CommitOptions {
    Objects.requireNonNull(progress, "progress");
  }

  /** These options, with the read-write layer released afterwards. */
  public CommitOptions andRelease() {
    return new CommitOptions(true, progress);
  }
}
