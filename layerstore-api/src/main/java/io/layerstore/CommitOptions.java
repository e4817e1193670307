package io.layerstore;

import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How to commit a read-write layer. Immutable.
 *
 * @param releaseAfterwards whether to release the read-write layer once the new layer is in the
 *     store
 * @param progress where to report progress
 * @param latestTime the latest time that an entry of the new layer may have: later ones become
 *     this, earlier ones stay as they are; null for no limit
 * @see TarOptions#latestTime
 */
public record CommitOptions(
    boolean releaseAfterwards, ProgressListener progress, @Nullable Instant latestTime) {

  /** The read-write layer goes on; no progress. */
  public static final CommitOptions DEFAULT = new CommitOptions(false, ProgressListener.NONE);

  /** Rejects nulls. */
  public CommitOptions {
    Objects.requireNonNull(progress, "progress");
  }

  /** Options without a latest time. */
  public CommitOptions(boolean releaseAfterwards, ProgressListener progress) {
    this(releaseAfterwards, progress, null);
  }

  /** These options, with the read-write layer released afterwards. */
  public CommitOptions andRelease() {
    return new CommitOptions(true, progress, latestTime);
  }

  /**
   * These options with another latest time, or with none. With one, the same files written at
   * another time make the same layer.
   */
  public CommitOptions withLatestTime(@Nullable Instant newLatestTime) {
    return new CommitOptions(releaseAfterwards, progress, newLatestTime);
  }
}
