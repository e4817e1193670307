package io.layerstore.overlay2;

import io.layerstore.DriverStatus;
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
 * What overlay can do in one place. Immutable.
 *
 * @param kernel what was found by trying; null where nothing may be written, so that nothing was
 *     tried
 * @param isRoot whether this process mounts by itself, rather than in a user namespace
 */
record OverlayFeatures(@Nullable KernelFeatures kernel, boolean isRoot) {

  private static final Path PARAMETERS = Path.of("/sys/module/overlay/parameters");

  private static final List<String> NEEDED =
      List.of(KernelFeatures.OVERLAY, KernelFeatures.D_TYPE, KernelFeatures.WHITEOUT);

  /** Whether the driver works here; with the evidence, or what is missing. */
  ProbeResult toProbeResult() {
    if (kernel == null) {
      return ProbeResult.supported("nothing was tried, for the store is opened for reading only");
    }
    String missing =
        NEEDED.stream()
            .filter(name -> !kernel.has(name))
            .map(this::describe)
            .collect(Collectors.joining("; "));
    if (!missing.isEmpty()) {
      return ProbeResult.unsupported(missing + "; " + advice());
    }
    if (!kernel.has(KernelFeatures.TRUSTED_XATTR) && !kernel.has(KernelFeatures.USER_XATTR)) {
      return ProbeResult.unsupported(
          describe(KernelFeatures.TRUSTED_XATTR)
              + "; "
              + describe(KernelFeatures.USER_XATTR)
              + "; use another file system for the root, or Linux 5.11 or newer");
    }
    return ProbeResult.supported(
        kernel.all().stream().map(Object::toString).collect(Collectors.joining("; ")));
  }

  private String describe(String name) {
    return kernel == null
        ? name
        : kernel.find(name).map(Object::toString).orElse(name + ": not tried");
  }

  private String advice() {
    return isRoot
        ? "load the kernel module overlay, give the process CAP_SYS_ADMIN and, before Linux 5.8, CAP_MKNOD, or use a root on a file system such as ext4 or xfs"
        : "use Linux 5.11 or newer that lets ordinary users make user namespaces, or run as root";
  }

  /** The settings of all mounts. */
  MountSettings settings() {
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
    return kernel == null || kernel.has(KernelFeatures.NEW_MOUNT_API);
  }

  boolean makesDevices() {
    return kernel == null ? isRoot : kernel.has(KernelFeatures.DEVICES);
  }

  /** The name of the file system, as Docker calls it. */
  String fileSystem() {
    return kernel == null
        ? "not tried"
        : kernel
            .find(KernelFeatures.FILE_SYSTEM)
            .map(KernelFeatures.Feature::evidence)
            .orElse("<unknown>");
  }

  /** What {@code docker info} shows, then every answer with its evidence. */
  DriverStatus toStatus() {
    List<DriverStatus.Fact> facts = new ArrayList<>();
    facts.add(new DriverStatus.Fact("Backing Filesystem", fileSystem()));
    facts.add(fact("Supports d_type", KernelFeatures.D_TYPE));
    facts.add(fact("Using metacopy", KernelFeatures.METACOPY_IN_USE));
    facts.add(fact("Native Overlay Diff", KernelFeatures.NATIVE_DIFF));
    facts.add(new DriverStatus.Fact("userxattr", String.valueOf(usesUserXattrs())));
    facts.add(new DriverStatus.Fact("User Namespace", isRoot ? "none" : "the helper's own"));
    facts.add(
        new DriverStatus.Fact(
            "Labels, Signatures",
            isRoot
                ? "set as in the archive"
                : "left out with a warning where the kernel lets only root set them"));
    if (kernel == null) {
      facts.add(
          new DriverStatus.Fact(
              "Probe", "nothing was tried, for the store is opened for reading only"));
    } else {
      for (KernelFeatures.Feature feature : kernel.all()) {
        facts.add(new DriverStatus.Fact("Probe", feature.toString()));
      }
    }
    return new DriverStatus(facts);
  }

  private DriverStatus.Fact fact(String name, String feature) {
    return new DriverStatus.Fact(
        name, kernel == null ? "not tried" : String.valueOf(kernel.has(feature)));
  }
}
