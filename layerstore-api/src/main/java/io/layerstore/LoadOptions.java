package io.layerstore;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How to load an image archive. Immutable; made with {@link #builder}. */
public final class LoadOptions {

  /** The platform of this machine. */
  public static final LoadOptions DEFAULT = builder().build();

  private final @Nullable Platform platform;
  private final boolean allPlatforms;
  private final @Nullable ImageReference reference;
  private final Progress.@Nullable Listener progress;
  private final boolean verifyExisting;

  private LoadOptions(Builder builder) {
    platform = builder.platform;
    allPlatforms = builder.allPlatforms;
    reference = builder.reference;
    progress = builder.progress;
    verifyExisting = builder.verifyExisting;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The platform of the images to load. Empty for any; where an OCI index offers several, for that
   * of this machine.
   */
  public Optional<Platform> platform() {
    return Optional.ofNullable(platform);
  }

  /** Whether the images for all platforms are loaded, of which one gets the name. */
  public boolean allPlatforms() {
    return allPlatforms;
  }

  /** The tag for the image that has no name in the archive. */
  public Optional<ImageReference> reference() {
    return Optional.ofNullable(reference);
  }

  /** Where to report progress, in place of the store's listener. */
  public Optional<Progress.Listener> progress() {
    return Optional.ofNullable(progress);
  }

  /** Whether the content of layers that exist is read and compared with their digests. */
  public boolean verifyExisting() {
    return verifyExisting;
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.platform = platform;
    builder.allPlatforms = allPlatforms;
    builder.reference = reference;
    builder.progress = progress;
    builder.verifyExisting = verifyExisting;
    return builder;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable Platform platform;
    private boolean allPlatforms;
    private @Nullable ImageReference reference;
    private Progress.@Nullable Listener progress;
    private boolean verifyExisting;

    private Builder() {}

    /**
     * Sets the platform of the images to load. Images for other platforms are left out with a note;
     * if no image is left, the load fails.
     */
    public Builder platform(@Nullable Platform platform) {
      this.platform = platform;
      return this;
    }

    /**
     * Sets whether all images are loaded where an OCI index offers several. The one for the
     * platform that is asked for, or of this machine, gets the name, or the first if there is none
     * for it; in its repository each is called by the digest of its manifest, too.
     */
    public Builder allPlatforms(boolean allPlatforms) {
      this.allPlatforms = allPlatforms;
      return this;
    }

    /**
     * Sets the tag for the image that has no name in the archive, or no valid one. The load fails
     * if there is no such image, or more than one.
     */
    public Builder reference(@Nullable ImageReference reference) {
      this.reference = reference;
      return this;
    }

    /** Sets where to report progress; null for the store's listener. */
    public Builder progress(Progress.@Nullable Listener progress) {
      this.progress = progress;
      return this;
    }

    /**
     * Sets whether to read the content of layers that exist and compare it with their digests; one
     * that does not verify is unpacked again from the archive. Otherwise only its metadata and the
     * types and sizes of its files are checked, once per open store. False at first.
     */
    public Builder verifyExisting(boolean verifyExisting) {
      this.verifyExisting = verifyExisting;
      return this;
    }

    /** Makes the options. */
    public LoadOptions build() {
      return new LoadOptions(this);
    }
  }
}
