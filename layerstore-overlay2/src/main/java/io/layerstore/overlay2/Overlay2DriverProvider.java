package io.layerstore.overlay2;

import io.layerstore.DriverException;
import io.layerstore.DriverNotSupportedException;
import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.HelperBinary;
import io.layerstore.overlay2.linux.LinuxCalls;
import io.layerstore.overlay2.linux.NativeLinuxCalls;
import io.layerstore.overlay2.linux.SubordinateIds;
import io.layerstore.overlay2.linux.UserNamespace;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.spi.ProbeResult;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Makes the {@code overlay2} driver, which lets the Linux kernel merge layers.
 *
 * <p>Works where the kernel, the file system and the rights of this process allow it, which is
 * found out by trying: as root with mounts of the host; for an ordinary user in a user namespace of
 * the native helper. There files have the owners of their archives as far as the system grants the
 * user subordinate ids, or as the id mapping of the store says; where it grants none, and where the
 * option {@code overlay2.ids} is {@code own}, all files belong to the user.
 */
public final class Overlay2DriverProvider implements GraphDriverProvider {

  static final String NAME = "overlay2";

  private static final Path SELF = Path.of("/proc/self");

  /** What the last probe found; opening the same place does not try everything again. */
  private @Nullable Probed last;

  /** Does nothing. */
  public Overlay2DriverProvider() {}

  private record Probed(DriverContext context, LinuxCalls calls, OverlayFeatures features) {}

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public ProbeResult probe(DriverContext context) {
    try {
      Probed probed = look(context);
      remember(null);
      try {
        probed.features().requireSupported();
        remember(probed);
        return probed.features().toProbeResult();
      } finally {
        probed.calls().close(); // Whoever probes need not open.
      }
    } catch (DriverNotSupportedException e) {
      return ProbeResult.unsupported(e.reason());
    } catch (LayerStoreException e) {
      return ProbeResult.unsupported(
          "the native helper cannot look for overlay: " + e.getMessage());
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>In a home that has layers already, nothing is tried before it is needed: to open it and to
   * delete in it there need be no space, and no mount.
   */
  @Override
  public GraphDriver open(DriverContext context) throws LayerStoreException {
    Probed probed = recall(context);
    Probed found = probed != null ? probed : look(context);
    try {
      if (probed == null && !hasLinks(context)) {
        found.features().requireSupported();
      }
      requireOptions(context, found.features());
      return Overlay2Driver.open(context, found.calls(), found.features());
    } catch (LayerStoreException | RuntimeException e) {
      found.calls().close();
      throw e;
    }
  }

  private static void requireOptions(DriverContext context, OverlayFeatures features)
      throws LayerStoreException {
    if (!context.options().isEmpty()) {
      Overlay2Options.requireValid(context.options(), features.fileSystem());
      Overlay2Options.requireFitting(context.options(), features.isRoot(), context.idMapping());
    }
  }

  /** Whether this or dockerd has opened the home before. */
  private static boolean hasLinks(DriverContext context) {
    return Files.isDirectory(new Overlay2Layout(context.home()).links(), LinkOption.NOFOLLOW_LINKS);
  }

  private synchronized void remember(@Nullable Probed probed) {
    last = probed;
  }

  private synchronized @Nullable Probed recall(DriverContext context) {
    Probed probed = last;
    last = null;
    return probed != null && probed.context().equals(context) ? probed : null;
  }

  private static Probed look(DriverContext context) throws LayerStoreException {
    if (context.root().getFileSystem() != FileSystems.getDefault()) {
      throw unsupported("the root is not on the default file system; overlay2 is the kernel's");
    }
    if (!System.getProperty("os.name", "").equals("Linux")) {
      throw unsupported("overlay is a file system of Linux");
    }
    Path place = nearestDirectory(context.home());
    boolean isRoot = isRoot();
    LinuxCalls calls = calls(context, HelperBinary.locate(context.root()), isRoot);
    return new Probed(
        context,
        calls,
        context.readOnly()
            ? new OverlayFeatures(null, isRoot)
            : OverlayFeatures.whenNeeded(() -> calls.probe(place), isRoot));
  }

  /**
   * A user who wants all files to be the own ones gets the other ids as well: without them, nobody
   * could read or delete what was unpacked, or made by commands, with them.
   */
  private static LinuxCalls calls(DriverContext context, Path binary, boolean isRoot)
      throws DriverNotSupportedException {
    if (isRoot) {
      return new NativeLinuxCalls(binary, UserNamespace.NONE);
    }
    if (!context.idMapping().isIdentity()) {
      return new NativeLinuxCalls(binary, UserNamespace.ofRanges(context.idMapping()));
    }
    boolean areRequired = Overlay2Options.requiresSubordinateIds(context.options());
    UserNamespace granted;
    try {
      granted = SubordinateIds.namespace();
    } catch (DriverNotSupportedException e) {
      if (areRequired) {
        throw e;
      }
      return new NativeLinuxCalls(binary, UserNamespace.ofUser(e.reason()));
    }
    return areRequired
        ? new NativeLinuxCalls(binary, granted)
        : NativeLinuxCalls.preferring(binary, granted);
  }

  private static boolean isRoot() throws LayerStoreException {
    try {
      return Integer.valueOf(0).equals(Files.getAttribute(SELF, "unix:uid"));
    } catch (IOException e) {
      throw unsupported("cannot tell the user of this process from " + SELF + ": " + e);
    }
  }

  private static Path nearestDirectory(Path home) throws LayerStoreException {
    Path place = home.toAbsolutePath();
    if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)
        && !Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS)) {
      throw new DriverException(NAME, null, place + " is no directory", null);
    }
    while (!Files.isDirectory(place)) {
      Path parent = place.getParent();
      if (parent == null) {
        throw unsupported("there is no directory at or above " + home);
      }
      place = parent;
    }
    return place;
  }

  private static DriverNotSupportedException unsupported(String reason) {
    return new DriverNotSupportedException(NAME, reason);
  }
}
