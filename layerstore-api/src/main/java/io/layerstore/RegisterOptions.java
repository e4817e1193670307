package io.layerstore;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How to register a layer. Immutable; made with {@link #builder}. */
public final class RegisterOptions {

  /** A base layer about which nothing is known beforehand. */
  public static final RegisterOptions DEFAULT = builder().build();

  private final @Nullable ChainId parent;
  private final @Nullable Descriptor descriptor;
  private final @Nullable DiffId expectedDiffId;
  private final @Nullable ChainId expectedChainId;
  private final Progress.@Nullable Listener progress;
  private final boolean verifyExisting;

  private RegisterOptions(Builder builder) {
    parent = builder.parent;
    descriptor = builder.descriptor;
    expectedDiffId = builder.expectedDiffId;
    expectedChainId = builder.expectedChainId;
    progress = builder.progress;
    verifyExisting = builder.verifyExisting;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** The options for a layer on top of {@code parent}, or for a base layer if it is null. */
  public static RegisterOptions onTopOf(@Nullable ChainId parent) {
    return builder().parent(parent).build();
  }

  /** The layer below; empty for a base layer. */
  public Optional<ChainId> parent() {
    return Optional.ofNullable(parent);
  }

  /** The descriptor to keep with the layer. */
  public Optional<Descriptor> descriptor() {
    return Optional.ofNullable(descriptor);
  }

  /** The diff ID the archive must have. */
  public Optional<DiffId> expectedDiffId() {
    return Optional.ofNullable(expectedDiffId);
  }

  /**
   * The chain ID the layer must have, as given or as it follows from the parent and the expected
   * diff ID.
   */
  public Optional<ChainId> expectedChainId() {
    if (expectedChainId != null) {
      return Optional.of(expectedChainId);
    }
    return expectedDiffId().map(diffId -> ChainId.of(parent, diffId));
  }

  /** Where to report progress, in place of the store's listener. */
  public Optional<Progress.Listener> progress() {
    return Optional.ofNullable(progress);
  }

  /** Whether the content of a layer that exists is read and compared with its digest. */
  public boolean verifyExisting() {
    return verifyExisting;
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.parent = parent;
    builder.descriptor = descriptor;
    builder.expectedDiffId = expectedDiffId;
    builder.expectedChainId = expectedChainId;
    builder.progress = progress;
    builder.verifyExisting = verifyExisting;
    return builder;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable ChainId parent;
    private @Nullable Descriptor descriptor;
    private @Nullable DiffId expectedDiffId;
    private @Nullable ChainId expectedChainId;
    private Progress.@Nullable Listener progress;
    private boolean verifyExisting;

    private Builder() {}

    /** Sets the layer below; null for a base layer. */
    public Builder parent(@Nullable ChainId parent) {
      this.parent = parent;
      return this;
    }

    /** Sets the descriptor to keep with the layer. */
    public Builder descriptor(@Nullable Descriptor descriptor) {
      this.descriptor = descriptor;
      return this;
    }

    /**
     * Sets the diff ID the archive must have. If the layer exists the source is not opened;
     * otherwise other content is refused before anything is published.
     */
    public Builder expectedDiffId(@Nullable DiffId expectedDiffId) {
      this.expectedDiffId = expectedDiffId;
      return this;
    }

    /** Sets the chain ID the layer must have, with the same effect as {@link #expectedDiffId}. */
    public Builder expectedChainId(@Nullable ChainId expectedChainId) {
      this.expectedChainId = expectedChainId;
      return this;
    }

    /** Sets where to report progress; null for the store's listener. */
    public Builder progress(Progress.@Nullable Listener progress) {
      this.progress = progress;
      return this;
    }

    /**
     * Sets whether to read the content of the layer, if it exists, and compare it with its digest;
     * one that does not verify is unpacked again from the source. Otherwise only its metadata and
     * the types and sizes of its files are checked, once per open store. False at first.
     */
    public Builder verifyExisting(boolean verifyExisting) {
      this.verifyExisting = verifyExisting;
      return this;
    }

    /**
     * Makes the options.
     *
     * @throws IllegalArgumentException if the expected diff and chain ID contradict each other
     */
    public RegisterOptions build() {
      if (expectedDiffId != null
          && expectedChainId != null
          && !ChainId.of(parent, expectedDiffId).equals(expectedChainId)) {
        throw new IllegalArgumentException(
            "expected chain id "
                + expectedChainId
                + " does not follow from expected diff id "
                + expectedDiffId);
      }
      return new RegisterOptions(this);
    }
  }
}
