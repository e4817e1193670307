package io.layerstore.overlay2;

import io.layerstore.DriverException;
import io.layerstore.Durability;
import io.layerstore.LayerStoreException;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.overlay2.linux.LinuxCalls;
import java.io.IOException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Gives a damaged layer sound files under its own id, so that whatever stands on it keeps its
 * ground: the files {@code lower} of other layers, and of containers of a dockerd, name it by its
 * name in {@code l/}.
 *
 * <p>A mount that is there shows the files it was made with, until it is made again. They are not
 * deleted before that.
 */
final class ReplacedFiles {

  private final LayerDirectories layers;
  private final OverlayMounts mounts;
  private final LinuxCalls calls;
  private final Durability durability;

  /** Where damaged files are now, and which mounts still show them. */
  private final Map<String, Set<String>> shown = new ConcurrentHashMap<>();

  ReplacedFiles(
      LayerDirectories layers, OverlayMounts mounts, LinuxCalls calls, Durability durability) {
    this.layers = layers;
    this.mounts = mounts;
    this.calls = calls;
    this.durability = durability;
  }

  /** See {@link io.layerstore.spi.GraphDriver#exchangeFiles}. */
  void exchange(String damaged, String sound, @Nullable String parent) throws LayerStoreException {
    layers.requireExists(sound);
    mounts.requireOnlyPassingMounts(damaged, "the layer's files are damaged and cannot be healed");
    layers.mend(damaged, parent);
    calls.exchange(layers.layout().home(), damaged, sound);
    try {
      if (durability != Durability.NONE) {
        AtomicFiles.syncDirectory(layers.layout().layer(damaged));
        AtomicFiles.syncDirectory(layers.layout().layer(sound));
        AtomicFiles.syncDirectory(layers.layout().links());
        AtomicFiles.syncDirectory(layers.layout().home());
      }
    } catch (IOException e) {
      throw LayerDirectories.failure(damaged, "cannot force the healed layer to the disk", e);
    }
    Set<String> showing = mounts.mountsShowing(damaged);
    if (!showing.isEmpty()) {
      shown.put(sound, new HashSet<>(showing));
    }
  }

  /**
   * Fails if a mount shows these files.
   *
   * @throws DriverException if so
   */
  void requireNotShown(String id) throws DriverException {
    Set<String> showing = shown.get(id);
    if (showing == null) {
      return;
    }
    showing.removeIf(mounted -> !mounts.isMountedHere(mounted));
    if (!showing.isEmpty()) {
      throw LayerDirectories.failure(
          id,
          "cannot be deleted while its files, which were replaced, are in the mount of "
              + String.join(", ", showing),
          null);
    }
    shown.remove(id);
  }
}
