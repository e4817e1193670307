package io.layerstore.image;

import io.layerstore.Platform;
import io.layerstore.ProgressListener;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How to load an image archive. Immutable; made with {@link #builder}. */
public final class LoadOptions {

  /** The platform of this machine. */
  public static final LoadOptions DEFAULT = builder().build();

  private final @Nullable Platform platform;
  private final @Nullable ProgressListener progress;

  private LoadOptions(Builder builder) {
    platform = builder.platform;
    progress = builder.progress;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** The platform to take where an OCI index offers several; empty for the one of this machine. */
  public Optional<Platform> platform() {
    return Optional.ofNullable(platform);
  }

  /** Where to report progress, in place of the store's listener. */
  public Optional<ProgressListener> progress() {
    return Optional.ofNullable(progress);
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.platform = platform;
    builder.progress = progress;
    return builder;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable Platform platform;
    private @Nullable ProgressListener progress;

    private Builder() {}

    /**
     * Sets the platform to take where an OCI index offers several; null for the one of this
     * machine.
     */
    public Builder platform(@Nullable Platform platform) {
      this.platform = platform;
      return this;
    }

    /** Sets where to report progress; null for the store's listener. */
    public Builder progress(@Nullable ProgressListener progress) {
      this.progress = progress;
      return this;
    }

    /** Makes the options. */
    public LoadOptions build() {
      return new LoadOptions(this);
    }
  }
}
