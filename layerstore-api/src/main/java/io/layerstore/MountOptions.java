package io.layerstore;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How to mount a layer. Immutable; made with {@link #builder}. */
public final class MountOptions {

  /** No label; ends with the {@link Mount}. */
  public static final MountOptions DEFAULT = builder().build();

  private final @Nullable String mountLabel;
  private final boolean persistent;

  private MountOptions(Builder builder) {
    mountLabel = builder.mountLabel;
    persistent = builder.persistent;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** The SELinux label of the files in the mount. */
  public Optional<String> mountLabel() {
    return Optional.ofNullable(mountLabel);
  }

  /** Whether the kernel mount outlives the {@link Mount}, the store and the process. */
  public boolean isPersistent() {
    return persistent;
  }

  /**
   * A mount that outlives this process and is found again by the next store that opens the root.
   * Possible with vfs, where a mount is a plain directory, and with overlay2 as root.
   */
  public static MountOptions persistent() {
    return builder().persistent(true).build();
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.mountLabel = mountLabel;
    builder.persistent = persistent;
    return builder;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable String mountLabel;
    private boolean persistent;

    private Builder() {}

    /** Sets the SELinux label of the files in the mount. */
    public Builder mountLabel(@Nullable String mountLabel) {
      this.mountLabel = mountLabel;
      return this;
    }

    /**
     * Sets whether the kernel mount stays when the {@link Mount} or the store is closed and the
     * process ends; see {@link MountOptions#persistent}. False at first.
     */
    public Builder persistent(boolean persistent) {
      this.persistent = persistent;
      return this;
    }

    /** Makes the options. */
    public MountOptions build() {
      return new MountOptions(this);
    }
  }
}
