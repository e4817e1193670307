package io.layerstore;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How to push images. Immutable; made with {@link #builder}. */
public final class PushOptions {

  /** The manifest that the image came with, else Docker's, with layers compressed with gzip. */
  public static final PushOptions DEFAULT = builder().build();

  private final SaveOptions.@Nullable Format format;
  private final Compression compression;
  private final @Nullable Platform platform;
  private final boolean allPlatforms;
  private final RegistryOptions registry;
  private final Progress.@Nullable Listener progress;

  private PushOptions(Builder builder) {
    format = builder.format;
    compression = builder.compression;
    platform = builder.platform;
    allPlatforms = builder.allPlatforms;
    registry = builder.registry;
    progress = builder.progress;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Which kind of manifest is written; empty for the one that the image came with. */
  public Optional<SaveOptions.Format> format() {
    return Optional.ofNullable(format);
  }

  /**
   * How to compress layers that the registry does not have; the same input gives the same bytes.
   */
  public Compression compression() {
    return compression;
  }

  /** The platform of the images to push; empty for the images that are named. */
  public Optional<Platform> platform() {
    return Optional.ofNullable(platform);
  }

  /** Whether the images for all platforms are pushed, as an index. */
  public boolean allPlatforms() {
    return allPlatforms;
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
        .platform(platform)
        .allPlatforms(allPlatforms)
        .registry(registry)
        .progress(progress);
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private SaveOptions.@Nullable Format format;
    private Compression compression = Compression.GZIP;
    private @Nullable Platform platform;
    private boolean allPlatforms;
    private RegistryOptions registry = RegistryOptions.DEFAULT;
    private Progress.@Nullable Listener progress;

    private Builder() {}

    /**
     * Sets which kind of manifest is written. Null, as at first, for the manifest that the image
     * came with, byte for byte, as long as the registry has its layers or they can be compressed to
     * the same bytes; else for Docker's, which all engines read, or the OCI's with zstd.
     */
    public Builder format(SaveOptions.@Nullable Format format) {
      this.format = format;
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

    /**
     * Sets the platform of the images to push: of the images that came in one index with the one
     * that is named, the one for this platform. Null for the images that are named.
     */
    public Builder platform(@Nullable Platform platform) {
      this.platform = platform;
      return this;
    }

    /**
     * Sets whether all images are pushed, as an index, that came in one index with the one that is
     * named and are here. What the index has besides and is in the registry already stays in it.
     */
    public Builder allPlatforms(boolean allPlatforms) {
      this.allPlatforms = allPlatforms;
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
