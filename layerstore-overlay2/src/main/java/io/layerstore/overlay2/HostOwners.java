package io.layerstore.overlay2;

import io.layerstore.DriverException;
import io.layerstore.IdMapping;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * Who owns what on the host, and who that is inside a layer. Immutable.
 *
 * <p>Root gives files away as the id mapping says. An ordinary user cannot: everything is the
 * user's own, which the helper's namespace shows as root's; with ranges of ids, the helper shows
 * and sets the ids inside the layer by itself.
 *
 * @param mapping the mapping, the identity for an ordinary user
 * @param canChown whether this process can give files away
 */
record HostOwners(IdMapping mapping, boolean canChown) {

  private static final long OUTSIDE = -1;

  /**
   * The id of root on the host.
   *
   * @throws DriverException if the mapping has no root, so that nothing could own a layer
   */
  long rootUid() throws DriverException {
    return require(mapping.uidToHost(0), "user");
  }

  /** The group of root on the host. */
  long rootGid() throws DriverException {
    return require(mapping.gidToHost(0), "group");
  }

  private static long require(OptionalLong id, String kind) throws DriverException {
    if (id.isEmpty()) {
      throw LayerDirectories.failure(null, "the id mapping has no " + kind + " 0", null);
    }
    return id.getAsLong();
  }

  /** Makes the root of the mapping the owner. */
  void giveToRoot(Path path) throws IOException {
    give(path, rootUid(), rootGid());
  }

  /** The directory of a layer: this process's, with the group that may go through it. */
  void giveLayerDirectory(Path path) throws IOException {
    give(path, OUTSIDE, rootGid());
  }

  private void give(Path path, long uid, long gid) throws IOException {
    if (!canChown || mapping.isIdentity()) {
      return;
    }
    if (uid != OUTSIDE) {
      Files.setAttribute(path, "unix:uid", (int) uid, LinkOption.NOFOLLOW_LINKS);
    }
    Files.setAttribute(path, "unix:gid", (int) gid, LinkOption.NOFOLLOW_LINKS);
  }

  /**
   * The user inside the layer.
   *
   * @throws DriverException if the mapping does not have the host's user {@code uid}
   */
  long uidInside(String id, String path, long uid) throws DriverException {
    return inside(mapping.uidToContainer(uid), id, path, "user", uid);
  }

  /** The group likewise. */
  long gidInside(String id, String path, long gid) throws DriverException {
    return inside(mapping.gidToContainer(gid), id, path, "group", gid);
  }

  private static long inside(OptionalLong inside, String id, String path, String kind, long host)
      throws DriverException {
    if (inside.isEmpty()) {
      throw LayerDirectories.failure(
          id,
          "/"
              + path
              + " belongs to the host's "
              + kind
              + " "
              + host
              + ", which the id mapping does not have;"
              + " chown it or extend the mapping",
          null);
    }
    return inside.getAsLong();
  }
}
