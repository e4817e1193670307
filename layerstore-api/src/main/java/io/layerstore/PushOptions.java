package io.layerstore;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How to push images. Immutable; made with {@link #builder}. */
public final class PushOptions {

  /** Docker's manifest, layers compressed with gzip. */
  public static final PushOptions DEFAULT = builder().build();

  private final SaveOptions.Format format;
  private final Compression compression;
  private final RegistryOptions registry;
  private final Progress.@Nullable Listener progress;

  private PushOptions(Builder builder) {
    format = builder.format;
    compression = builder.compression;
    registry = builder.registry;
    progress = builder.progress;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Which kind of manifest is written. */
  public SaveOptions.Format format() {
    return format;
  }

  /**
   * How to compress layers that the registry does not have; the same input gives the same bytes.
   */
  public Compression compression() {
    return compression;
  }

  /** How to talk to the registry. */
  public RegistryOptions registry() {
    return registry;
  }

  /** Where to report progress, in place of the store's listener. */
  public Optional<Progress.Listener> progress() {
    return Optional.ofNullable(progress);
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    return new Builder()
        .format(format)
        .compression(compression)
        .registry(registry)
        .progress(progress);
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private SaveOptions.Format format = SaveOptions.Format.DOCKER;
    private Compression compression = Compression.GZIP;
    private RegistryOptions registry = RegistryOptions.DEFAULT;
    private Progress.@Nullable Listener progress;

    private Builder() {}

    /** Sets which kind of manifest is written; Docker's at first, which all engines read. */
    public Builder format(SaveOptions.Format format) {
      this.format = Objects.requireNonNull(format, "format");
      return this;
    }

    /**
     * Sets how to compress layers that the registry does not have; gzip at first. Layers it has
     * stay as they are there. zstd needs an OCI manifest.
     */
    public Builder compression(Compression compression) {
      this.compression = Objects.requireNonNull(compression, "compression");
      return this;
    }

    /** Sets how to talk to the registry. */
    public Builder registry(RegistryOptions registry) {
      this.registry = Objects.requireNonNull(registry, "registry");
      return this;
    }

    /** Sets where to report progress; null for the store's listener. */
    public Builder progress(Progress.@Nullable Listener progress) {
      this.progress = progress;
      return this;
    }

    /** Makes the options. */
    public PushOptions build() {
      return new PushOptions(this);
    }
  }
}
