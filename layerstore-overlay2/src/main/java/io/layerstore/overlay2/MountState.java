package io.layerstore.overlay2;

import io.layerstore.overlay2.linux.Mounts;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What is known about the mount of one layer. Immutable.
 *
 * @param count how many unmounts are due; the last one undoes the mount
 * @param lost how many unmounts are to come of mounts that are gone with their helper
 * @param views how many views of the layer are open that are mounted nowhere
 * @param made the mount, if it was made or taken over here; null if there is none, or somebody else
 *     made it
 */
record MountState(int count, int lost, int views, @Nullable Made made) {

  /** No mount, and none was lost. */
  static final MountState NONE = new MountState(0, 0, 0, null);

  /**
   * A mount that was made or taken over here.
   *
   * @param by the helper that did so
   * @param detached the mount, if it is nowhere but in the helper: of a store that may not be
   *     written
   * @param isMarked whether there is a note that it is persistent; one that was taken over has it,
   *     whether or not it is to stay from now on
   * @param isReadOnly whether nothing can be written through it
   */
  record Made(
      Mounts by,
      Mounts.@Nullable Detached detached,
      boolean isPersistent,
      boolean isMarked,
      boolean isReadOnly,
      String label) {

    boolean isDetached() {
      return detached != null;
    }

    Path path(String id) {
      return detached != null ? detached.path() : by.merged(id);
    }
  }

  /** Whether it says nothing. */
  boolean isNothing() {
    return count == 0 && lost == 0 && views == 0 && made == null;
  }

  /** Whether the layer is mounted at its place, by a mount that was made or taken over here. */
  boolean isHeld() {
    return made != null && !made.isDetached();
  }

  /** Whether it is such a mount, and to stay. */
  boolean isPersistent() {
    return made != null && made.isPersistent();
  }

  MountState withCount(int newCount) {
    return new MountState(newCount, lost, views, made);
  }

  MountState withLost(int newLost) {
    return new MountState(count, newLost, views, made);
  }

  MountState withViews(int newViews) {
    return new MountState(count, lost, newViews, made);
  }

  /** Counts once more, with a mount that was made or taken over. */
  MountState mounted(Made newMade) {
    return new MountState((made == null ? 0 : count) + 1, lost, views, newMade);
  }

  /** Whether a mount is used here, rather than only there. */
  boolean isUsed() {
    return made != null ? count > 0 && made.by().isAlive() : count > 1;
  }

  /** The mount stays, but nobody here holds it. */
  MountState left() {
    return new MountState(count, lost, views, null);
  }

  /** The mount is gone, however often it was counted. */
  MountState unmounted() {
    return new MountState(0, lost, views, null);
  }

  /** The mount is gone with its helper, and will be unmounted as often as it was counted. */
  MountState allLost() {
    return new MountState(0, lost + count, views, null);
  }
}
