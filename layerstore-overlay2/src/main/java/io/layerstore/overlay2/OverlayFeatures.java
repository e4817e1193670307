package io.layerstore.overlay2;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.DriverStatus;
import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.KernelFeatures;
import io.layerstore.overlay2.linux.MountSettings;
import io.layerstore.spi.ProbeResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What overlay can do in one place, found out by trying when it is first asked for.
 *
 * <p>Where nothing may be tried, or trying fails, as it does on a full disk, the answers are what
 * is likely; trying is repeated until it succeeds. Safe for use by many threads.
 */
final class OverlayFeatures {

  /** Tries what works. */
  @FunctionalInterface
  interface Trial {
    KernelFeatures run() throws LayerStoreException;
  }

  private static final Path PARAMETERS = Path.of("/sys/module/overlay/parameters");

  private static final List<String> NEEDED =
      List.of(KernelFeatures.OVERLAY, KernelFeatures.D_TYPE, KernelFeatures.WHITEOUT);

  private final @Nullable Trial trial;
  private final boolean isRoot;
  private @Nullable KernelFeatures found;

  /**
   * What was found by trying.
   *
   * @param kernel null where nothing may be written, so that nothing was tried
   * @param isRoot whether this process mounts by itself, rather than in a user namespace
   */
  OverlayFeatures(@Nullable KernelFeatures kernel, boolean isRoot) {
    this(kernel, null, isRoot);
  }

  private OverlayFeatures(@Nullable KernelFeatures found, @Nullable Trial trial, boolean isRoot) {
    this.found = found;
    this.trial = trial;
    this.isRoot = isRoot;
  }

  /** What {@code trial} will find when it is first asked for. */
  static OverlayFeatures whenNeeded(Trial trial, boolean isRoot) {
    return new OverlayFeatures(null, trial, isRoot);
  }

  /** Whether this process mounts by itself, rather than in a user namespace. */
  boolean isRoot() {
    return isRoot;
  }

  /**
   * Tries what works, if that has not been done.
   *
   * @throws DriverNotSupportedException if the driver does not work here
   * @throws LayerStoreException if that cannot be found out
   */
  synchronized void requireSupported() throws LayerStoreException {
    if (found == null && trial != null) {
      KernelFeatures tried = trial.run();
      ProbeResult result = new OverlayFeatures(tried, isRoot).toProbeResult();
      if (!result.isSupported()) {
        throw new DriverNotSupportedException(Overlay2DriverProvider.NAME, result.detail());
      }
      found = tried;
    }
  }

  /** What was found; null if nothing can be tried now. */
  private synchronized @Nullable KernelFeatures kernel() {
    try {
      requireSupported();
      return found;
    } catch (LayerStoreException e) {
      // What needs an answer for certain asks requireSupported, and gets to know.
      return null;
    }
  }

  /** Whether the driver works here; with the evidence, or what is missing. */
  ProbeResult toProbeResult() {
    KernelFeatures kernel = kernel();
    if (kernel == null) {
      return ProbeResult.supported("nothing was tried, for the store is opened for reading only");
    }
    String missing =
        NEEDED.stream()
            .filter(name -> !kernel.has(name))
            .map(name -> describe(kernel, name))
            .collect(Collectors.joining("; "));
    if (!missing.isEmpty()) {
      return ProbeResult.unsupported(missing + "; " + advice());
    }
    if (!kernel.has(KernelFeatures.TRUSTED_XATTR) && !kernel.has(KernelFeatures.USER_XATTR)) {
      return ProbeResult.unsupported(
          describe(kernel, KernelFeatures.TRUSTED_XATTR)
              + "; "
              + describe(kernel, KernelFeatures.USER_XATTR)
              + "; use another file system for the root, or Linux 5.11 or newer");
    }
    return ProbeResult.supported(
        kernel.all().stream().map(Object::toString).collect(Collectors.joining("; ")));
  }

  private static String describe(KernelFeatures kernel, String name) {
    return kernel.find(name).map(Object::toString).orElse(name + ": not tried");
  }

  private String advice() {
    return isRoot
        ? "load the kernel module overlay, give the process CAP_SYS_ADMIN and, before Linux 5.8, CAP_MKNOD, or use a root on a file system such as ext4 or xfs"
        : "use Linux 5.11 or newer that lets ordinary users make user namespaces, or run as root";
  }

  /** The settings of all mounts. */
  MountSettings settings() {
    KernelFeatures kernel = kernel();
    return kernel != null
        ? MountSettings.of(kernel)
        : new MountSettings(
            !isRoot,
            hasParameter("index"),
            hasParameter("redirect_dir"),
            hasParameter("metacopy"),
            0,
            0);
  }

  private static boolean hasParameter(String name) {
    return Files.exists(PARAMETERS.resolve(name));
  }

  boolean usesUserXattrs() {
    return settings().usesUserXattrs();
  }

  boolean canMountDetached() {
    KernelFeatures kernel = kernel();
    return kernel == null || kernel.has(KernelFeatures.NEW_MOUNT_API);
  }

  boolean makesDevices() {
    KernelFeatures kernel = kernel();
    return kernel == null ? isRoot : kernel.has(KernelFeatures.DEVICES);
  }

  /** The name of the file system, as Docker calls it. */
  String fileSystem() {
    KernelFeatures kernel = kernel();
    return kernel == null
        ? "not tried"
        : kernel
            .find(KernelFeatures.FILE_SYSTEM)
            .map(KernelFeatures.Feature::evidence)
            .orElse("<unknown>");
  }

  /**
   * What {@code docker info} shows, then every answer with its evidence.
   *
   * @param owners what becomes of the owners of files, for people
   */
  DriverStatus toStatus(String owners) {
    KernelFeatures kernel = kernel();
    List<DriverStatus.Fact> facts = new ArrayList<>();
    facts.add(new DriverStatus.Fact("Backing Filesystem", fileSystem()));
    facts.add(fact(kernel, "Supports d_type", KernelFeatures.D_TYPE));
    facts.add(fact(kernel, "Using metacopy", KernelFeatures.METACOPY_IN_USE));
    facts.add(fact(kernel, "Native Overlay Diff", KernelFeatures.NATIVE_DIFF));
    facts.add(new DriverStatus.Fact("userxattr", String.valueOf(usesUserXattrs())));
    facts.add(new DriverStatus.Fact("User Namespace", isRoot ? "none" : "the helper's own"));
    facts.add(new DriverStatus.Fact("Owners", owners));
    facts.add(
        new DriverStatus.Fact(
            "Labels, Signatures",
            isRoot
                ? "set as in the archive"
                : "left out with a warning where the kernel lets only root set them"));
    if (kernel == null) {
      facts.add(
          new DriverStatus.Fact(
              "Probe",
              trial == null
                  ? "nothing was tried, for the store is opened for reading only"
                  : reasonOfFailure()));
    } else {
      for (KernelFeatures.Feature feature : kernel.all()) {
        facts.add(new DriverStatus.Fact("Probe", feature.toString()));
      }
    }
    return new DriverStatus(facts);
  }

  private String reasonOfFailure() {
    try {
      requireSupported();
      return "nothing was tried";
    } catch (DriverNotSupportedException e) {
      return e.reason();
    } catch (LayerStoreException e) {
      return "nothing can be tried: " + e.getMessage();
    }
  }

  private static DriverStatus.Fact fact(
      @Nullable KernelFeatures kernel, String name, String feature) {
    return new DriverStatus.Fact(
        name, kernel == null ? "not tried" : String.valueOf(kernel.has(feature)));
  }
}
