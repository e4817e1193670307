package io.layerstore;

import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How to commit a read-write layer. Immutable; made with {@link #builder}. */
public final class CommitOptions {

  /** The read-write layer goes on, and its times are kept. */
  public static final CommitOptions DEFAULT = builder().build();

  private final boolean releaseAfterwards;
  private final @Nullable Instant latestTime;
  private final Progress.@Nullable Listener progress;

  private CommitOptions(Builder builder) {
    releaseAfterwards = builder.releaseAfterwards;
    latestTime = builder.latestTime;
    progress = builder.progress;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Whether to release the read-write layer once the new layer is in the store. */
  public boolean releaseAfterwards() {
    return releaseAfterwards;
  }

  /**
   * The latest time that an entry of the new layer may have: later ones become this, earlier ones
   * stay as they are. Empty for no limit.
   *
   * @see TarOptions#latestTime
   */
  public Optional<Instant> latestTime() {
    return Optional.ofNullable(latestTime);
  }

  /** Where to report progress, in place of the store's listener. */
  public Optional<Progress.Listener> progress() {
    return Optional.ofNullable(progress);
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    return builder().releaseAfterwards(releaseAfterwards).latestTime(latestTime).progress(progress);
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private boolean releaseAfterwards;
    private @Nullable Instant latestTime;
    private Progress.@Nullable Listener progress;

    private Builder() {}

    /** Sets whether to release the read-write layer once the new layer is in the store. */
    public Builder releaseAfterwards(boolean releaseAfterwards) {
      this.releaseAfterwards = releaseAfterwards;
      return this;
    }

    /**
     * Sets the latest time that an entry may have; null for no limit. With one, the same files
     * written at another time make the same layer.
     */
    public Builder latestTime(@Nullable Instant latestTime) {
      this.latestTime = latestTime;
      return this;
    }

    /** Sets where to report progress; null for the store's listener. */
    public Builder progress(Progress.@Nullable Listener progress) {
      this.progress = progress;
      return this;
    }

    /** Makes the options. */
    public CommitOptions build() {
      return new CommitOptions(this);
    }
  }
}
