package io.layerstore;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How to save images. Immutable; made with {@link #builder}. */
public final class SaveOptions {

  /** The layouts of image archives. */
  public enum Format {
    /**
     * An OCI layout that also has {@code manifest.json}, as Docker engines write since 25.0; older
     * ones load it too.
     */
    DOCKER,
    /** A plain OCI layout. */
    OCI
  }

  /** Docker's layout, no compression. */
  public static final SaveOptions DEFAULT = builder().build();

  private final Format format;
  private final Compression compression;
  private final @Nullable Platform platform;
  private final boolean allPlatforms;
  private final @Nullable ImageReference index;
  private final Progress.@Nullable Listener progress;

  private SaveOptions(Builder builder) {
    format = builder.format;
    compression = builder.compression;
    platform = builder.platform;
    allPlatforms = builder.allPlatforms;
    index = builder.index;
    progress = builder.progress;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** The layout. */
  public Format format() {
    return format;
  }

  /** How layers are compressed; the same input gives the same bytes. */
  public Compression compression() {
    return compression;
  }

  /** The platform of the images to save; empty for the images that are named. */
  public Optional<Platform> platform() {
    return Optional.ofNullable(platform);
  }

  /** Whether the images for all platforms are saved. */
  public boolean allPlatforms() {
    return allPlatforms;
  }

  /** The tag for one index of all images. */
  public Optional<ImageReference> index() {
    return Optional.ofNullable(index);
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
        .index(index)
        .progress(progress);
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private Format format = Format.DOCKER;
    private Compression compression = Compression.NONE;
    private @Nullable Platform platform;
    private boolean allPlatforms;
    private @Nullable ImageReference index;
    private Progress.@Nullable Listener progress;

    private Builder() {}

    /** Sets the layout. */
    public Builder format(Format format) {
      this.format = Objects.requireNonNull(format, "format");
      return this;
    }

    /** Sets how layers are compressed. */
    public Builder compression(Compression compression) {
      this.compression = Objects.requireNonNull(compression, "compression");
      return this;
    }

    /**
     * Sets the platform of the images to save: of the images that came in one index with the one
     * that is named, the one for this platform. Null for the images that are named.
     */
    public Builder platform(@Nullable Platform platform) {
      this.platform = platform;
      return this;
    }

    /**
     * Sets whether all images are saved that came in one index with one that is named and are here.
     * An OCI layout has them as an index under that name; Docker's cannot say it, and has the
     * others without a name.
     */
    public Builder allPlatforms(boolean allPlatforms) {
      this.allPlatforms = allPlatforms;
      return this;
    }

    /**
     * Sets the tag for one index of all images, which are for different platforms; null for images
     * by themselves. Needs the OCI's format.
     */
    public Builder index(@Nullable ImageReference index) {
      this.index = index;
      return this;
    }

    /** Sets where to report progress; null for the store's listener. */
    public Builder progress(Progress.@Nullable Listener progress) {
      this.progress = progress;
      return this;
    }

    /** Makes the options. */
    public SaveOptions build() {
      return new SaveOptions(this);
    }
  }
}
