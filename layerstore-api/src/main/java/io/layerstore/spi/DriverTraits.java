package io.layerstore.spi;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a driver can keep on its file system, and how. What it cannot keep still survives in the
 * exported bytes of a registered layer and, for diffs, in whatever the driver records beside its
 * files. Immutable; made with {@link #builder}.
 */
public final class DriverTraits {

  private final boolean keepsOwners;
  private final boolean keepsSpecialModes;
  private final boolean keepsDevices;
  private final boolean keepsXattrs;
  private final boolean keepsByteNames;
  private final boolean isCaseSensitive;
  private final boolean executesWhiteouts;
  private final boolean hasKernelMounts;
  private final boolean hasPersistentMounts;

  private DriverTraits(Builder builder) {
    keepsOwners = builder.keepsOwners;
    keepsSpecialModes = builder.keepsSpecialModes;
    keepsDevices = builder.keepsDevices;
    keepsXattrs = builder.keepsXattrs;
    keepsByteNames = builder.keepsByteNames;
    isCaseSensitive = builder.isCaseSensitive;
    executesWhiteouts = builder.executesWhiteouts;
    hasKernelMounts = builder.hasKernelMounts;
    hasPersistentMounts = builder.hasPersistentMounts;
  }

  /** A builder of a driver without any of the traits. */
  public static Builder builder() {
    return new Builder();
  }

  /** Whether files have the owners of the archive. */
  public boolean keepsOwners() {
    return keepsOwners;
  }

  /** Whether setuid, setgid and sticky bits are set on the files. */
  public boolean keepsSpecialModes() {
    return keepsSpecialModes;
  }

  /** Whether device nodes and FIFOs are made. */
  public boolean keepsDevices() {
    return keepsDevices;
  }

  /** Whether extended attributes outside {@code user.} are set. */
  public boolean keepsXattrs() {
    return keepsXattrs;
  }

  /** Whether any sequence of bytes can be a name. */
  public boolean keepsByteNames() {
    return keepsByteNames;
  }

  /** Whether names that differ in case or Unicode form are different files. */
  public boolean isCaseSensitive() {
    return isCaseSensitive;
  }

  /**
   * Whether a whiteout deletes, as in a copying driver, rather than being stored; such a driver
   * also treats the metadata of AUFS archives ({@code .wh..wh.*} at the root) as Docker's naive
   * unpacker does.
   */
  public boolean executesWhiteouts() {
    return executesWhiteouts;
  }

  /** Whether {@link GraphDriver#mount} makes a mount in the kernel. */
  public boolean hasKernelMounts() {
    return hasKernelMounts;
  }

  /** Whether a mount can outlive the process. */
  public boolean hasPersistentMounts() {
    return hasPersistentMounts;
  }

  /** A builder with these traits. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.keepsOwners = keepsOwners;
    builder.keepsSpecialModes = keepsSpecialModes;
    builder.keepsDevices = keepsDevices;
    builder.keepsXattrs = keepsXattrs;
    builder.keepsByteNames = keepsByteNames;
    builder.isCaseSensitive = isCaseSensitive;
    builder.executesWhiteouts = executesWhiteouts;
    builder.hasKernelMounts = hasKernelMounts;
    builder.hasPersistentMounts = hasPersistentMounts;
    return builder;
  }

  private List<Boolean> values() {
    return List.of(
        keepsOwners,
        keepsSpecialModes,
        keepsDevices,
        keepsXattrs,
        keepsByteNames,
        isCaseSensitive,
        executesWhiteouts,
        hasKernelMounts,
        hasPersistentMounts);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof DriverTraits that && values().equals(that.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  /** All traits with their values. */
  @Override
  public String toString() {
    return "DriverTraits["
        + "keepsOwners="
        + keepsOwners
        + ", keepsSpecialModes="
        + keepsSpecialModes
        + ", keepsDevices="
        + keepsDevices
        + ", keepsXattrs="
        + keepsXattrs
        + ", keepsByteNames="
        + keepsByteNames
        + ", isCaseSensitive="
        + isCaseSensitive
        + ", executesWhiteouts="
        + executesWhiteouts
        + ", hasKernelMounts="
        + hasKernelMounts
        + ", hasPersistentMounts="
        + hasPersistentMounts
        + "]";
  }

  /** Collects traits. Not safe for use by several threads. */
  public static final class Builder {
    private boolean keepsOwners;
    private boolean keepsSpecialModes;
    private boolean keepsDevices;
    private boolean keepsXattrs;
    private boolean keepsByteNames;
    private boolean isCaseSensitive;
    private boolean executesWhiteouts;
    private boolean hasKernelMounts;
    private boolean hasPersistentMounts;

    private Builder() {}

    /** Sets {@link DriverTraits#keepsOwners}. */
    public Builder keepsOwners(boolean keepsOwners) {
      this.keepsOwners = keepsOwners;
      return this;
    }

    /** Sets {@link DriverTraits#keepsSpecialModes}. */
    public Builder keepsSpecialModes(boolean keepsSpecialModes) {
      this.keepsSpecialModes = keepsSpecialModes;
      return this;
    }

    /** Sets {@link DriverTraits#keepsDevices}. */
    public Builder keepsDevices(boolean keepsDevices) {
      this.keepsDevices = keepsDevices;
      return this;
    }

    /** Sets {@link DriverTraits#keepsXattrs}. */
    public Builder keepsXattrs(boolean keepsXattrs) {
      this.keepsXattrs = keepsXattrs;
      return this;
    }

    /** Sets {@link DriverTraits#keepsByteNames}. */
    public Builder keepsByteNames(boolean keepsByteNames) {
      this.keepsByteNames = keepsByteNames;
      return this;
    }

    /** Sets {@link DriverTraits#isCaseSensitive}. */
    public Builder isCaseSensitive(boolean isCaseSensitive) {
      this.isCaseSensitive = isCaseSensitive;
      return this;
    }

    /** Sets {@link DriverTraits#executesWhiteouts}. */
    public Builder executesWhiteouts(boolean executesWhiteouts) {
      this.executesWhiteouts = executesWhiteouts;
      return this;
    }

    /** Sets {@link DriverTraits#hasKernelMounts}. */
    public Builder hasKernelMounts(boolean hasKernelMounts) {
      this.hasKernelMounts = hasKernelMounts;
      return this;
    }

    /** Sets {@link DriverTraits#hasPersistentMounts}. */
    public Builder hasPersistentMounts(boolean hasPersistentMounts) {
      this.hasPersistentMounts = hasPersistentMounts;
      return this;
    }

    /** Makes the traits. */
    public DriverTraits build() {
      return new DriverTraits(this);
    }
  }
}
