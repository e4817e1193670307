package io.layerstore;

import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a prune may delete. Immutable; made with {@link #builder}. Never deleted: what a read-write
 * layer, an open handle or an image that stays needs.
 */
public final class PruneOptions {

  /** Images without references. */
  public static final PruneOptions DEFAULT = builder().build();

  /** All images without read-write layers, and all layers that nothing needs. */
  public static final PruneOptions EVERYTHING_UNUSED =
      builder().allImages(true).layers(true).build();

  private final boolean allImages;
  private final boolean layers;
  private final @Nullable Instant createdBefore;

  private PruneOptions(Builder builder) {
    allImages = builder.allImages;
    layers = builder.layers;
    createdBefore = builder.createdBefore;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Whether tagged images are deleted too. */
  public boolean allImages() {
    return allImages;
  }

  /** Whether layers that nothing needs are deleted too. */
  public boolean layers() {
    return layers;
  }

  /** Only images made before this time are deleted; empty for no such limit. */
  public Optional<Instant> createdBefore() {
    return Optional.ofNullable(createdBefore);
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.allImages = allImages;
    builder.layers = layers;
    builder.createdBefore = createdBefore;
    return builder;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private boolean allImages;
    private boolean layers;
    private @Nullable Instant createdBefore;

    private Builder() {}

    /** Sets whether tagged images are deleted too. False at first. */
    public Builder allImages(boolean allImages) {
      this.allImages = allImages;
      return this;
    }

    /**
     * Sets whether layers that no image, read-write layer, child or open handle needs are deleted
     * too. False at first.
     */
    public Builder layers(boolean layers) {
      this.layers = layers;
      return this;
    }

    /** Keeps images made at this time or later; null for no such limit. */
    public Builder createdBefore(@Nullable Instant createdBefore) {
      this.createdBefore = createdBefore;
      return this;
    }

    /** Makes the options. */
    public PruneOptions build() {
      return new PruneOptions(this);
    }
  }
}
