package io.layerstore;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How to pull images. Immutable; made with {@link #builder}. */
public final class PullOptions {

  /** When the registry is asked. */
  public enum Policy {
    /** Always; what is there already is not fetched again. */
    ALWAYS,
    /** If the reference names no image here. */
    MISSING,
    /** Never: the image is here, or the pull fails. */
    NEVER
  }

  /** One tag, for the platform of this machine, three downloads at once. */
  public static final PullOptions DEFAULT = builder().build();

  private static final int DEFAULT_CONCURRENCY = 3;

  private final @Nullable Platform platform;
  private final boolean allPlatforms;
  private final boolean allTags;
  private final Policy policy;
  private final int concurrency;
  private final @Nullable Digest expectedDigest;
  private final RegistryOptions registry;
  private final Progress.@Nullable Listener progress;

  private PullOptions(Builder builder) {
    platform = builder.platform;
    allPlatforms = builder.allPlatforms;
    allTags = builder.allTags;
    policy = builder.policy;
    concurrency = builder.concurrency;
    expectedDigest = builder.expectedDigest;
    registry = builder.registry;
    progress = builder.progress;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** The platform of which images are wanted; empty for the one of this machine. */
  public Optional<Platform> platform() {
    return Optional.ofNullable(platform);
  }

  /** Whether the images for all platforms are pulled, of which one gets the reference's name. */
  public boolean allPlatforms() {
    return allPlatforms;
  }

  /** Whether all tags of the repository are pulled. */
  public boolean allTags() {
    return allTags;
  }

  /** When the registry is asked. */
  public Policy policy() {
    return policy;
  }

  /** How many blobs are downloaded at once. */
  public int concurrency() {
    return concurrency;
  }

  /** The digest that the reference's manifest must have. */
  public Optional<Digest> expectedDigest() {
    return Optional.ofNullable(expectedDigest);
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
    Builder builder = new Builder();
    builder.platform = platform;
    builder.allPlatforms = allPlatforms;
    builder.allTags = allTags;
    builder.policy = policy;
    builder.concurrency = concurrency;
    builder.expectedDigest = expectedDigest;
    builder.registry = registry;
    builder.progress = progress;
    return builder;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable Platform platform;
    private boolean allPlatforms;
    private boolean allTags;
    private Policy policy = Policy.ALWAYS;
    private int concurrency = DEFAULT_CONCURRENCY;
    private @Nullable Digest expectedDigest;
    private RegistryOptions registry = RegistryOptions.DEFAULT;
    private Progress.@Nullable Listener progress;

    private Builder() {}

    /** Sets the platform; null for the one of this machine. */
    public Builder platform(@Nullable Platform platform) {
      this.platform = platform;
      return this;
    }

    /**
     * Sets whether the images for all platforms are pulled. The one for the platform that is asked
     * for, or of this machine, gets the reference's name, or the first if there is none for it;
     * each gets the digest of its manifest.
     */
    public Builder allPlatforms(boolean allPlatforms) {
      this.allPlatforms = allPlatforms;
      return this;
    }

    /** Sets whether all tags of the repository are pulled; the reference then has no digest. */
    public Builder allTags(boolean allTags) {
      this.allTags = allTags;
      return this;
    }

    /** Sets when the registry is asked; always at first. */
    public Builder policy(Policy policy) {
      this.policy = Objects.requireNonNull(policy, "policy");
      return this;
    }

    /**
     * Sets how many blobs are downloaded at once; 3 at first.
     *
     * @throws IllegalArgumentException if it is not 1 to 32
     */
    public Builder concurrency(int concurrency) {
      if (concurrency < 1 || concurrency > 32) {
        throw new IllegalArgumentException("1 to 32 downloads at once, not " + concurrency);
      }
      this.concurrency = concurrency;
      return this;
    }

    /** Sets the digest that the manifest must have, whatever the tag names; null for any. */
    public Builder expectedDigest(@Nullable Digest digest) {
      this.expectedDigest = digest;
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
    public PullOptions build() {
      return new PullOptions(this);
    }
  }
}
