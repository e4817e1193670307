package io.layerstore.vfs;

import io.layerstore.DriverException;
import io.layerstore.IdMapping;
import io.layerstore.spi.UnmappableIdException;
import java.util.List;
import java.util.Set;

/**
 * How the owners that a layer's files have inside the layer are those the file system shows.
 *
 * <p>In a store that belongs to root they are the same numbers, shifted by the {@link IdMapping}.
 * In one that belongs to somebody else, that somebody is the root of its layers. Immutable.
 */
final class Owners {

  private final IdMapping mapping;
  private final Set<Long> ownUids;
  private final Set<Long> ownGids;

  private Owners(IdMapping mapping, Set<Long> ownUids, Set<Long> ownGids) {
    this.mapping = mapping;
    this.ownUids = ownUids;
    this.ownGids = ownGids;
  }

  /** Owners are those on disk, through {@code mapping}. */
  static Owners mapped(IdMapping mapping) {
    return new Owners(mapping, Set.of(), Set.of());
  }

  /** What belongs to one of these is root's; other owners are as on disk. */
  static Owners ownedBy(Set<Long> uids, Set<Long> gids) {
    return new Owners(IdMapping.IDENTITY, Set.copyOf(uids), Set.copyOf(gids));
  }

  /** Whether every owner on disk is the same inside. */
  boolean isIdentity() {
    return mapping.isIdentity() && ownUids.isEmpty() && ownGids.isEmpty();
  }

  long uidInLayer(String id, String path, long uid) throws DriverException {
    if (ownUids.contains(uid)) {
      return 0;
    }
    return mapping
        .uidToContainer(uid)
        .orElseThrow(() -> unknown(id, path, "user", uid, mapping.uids()));
  }

  long gidInLayer(String id, String path, long gid) throws DriverException {
    if (ownGids.contains(gid)) {
      return 0;
    }
    return mapping
        .gidToContainer(gid)
        .orElseThrow(() -> unknown(id, path, "group", gid, mapping.gids()));
  }

  /** The owner on disk; an id that is the mapped root already stays what it is, as in Docker. */
  long uidOnDisk(String id, String path, long uid) throws UnmappableIdException {
    if (uid != 0 && mapping.uidToHost(0).orElse(-1) == uid) {
      return uid;
    }
    return mapping
        .uidToHost(uid)
        .orElseThrow(() -> unmappable(id, path, "user id", uid, mapping.uids()));
  }

  long gidOnDisk(String id, String path, long gid) throws UnmappableIdException {
    if (gid != 0 && mapping.gidToHost(0).orElse(-1) == gid) {
      return gid;
    }
    return mapping
        .gidToHost(gid)
        .orElseThrow(() -> unmappable(id, path, "group id", gid, mapping.gids()));
  }

  private static UnmappableIdException unmappable(
      String id, String path, String kind, long unmapped, List<IdMapping.Range> ranges) {
    return new UnmappableIdException(
        VfsDriverProvider.NAME, id, path, kind, unmapped, ranges.toString());
  }

  private static DriverException unknown(
      String id, String path, String kind, long unmapped, List<IdMapping.Range> ranges) {
    return new DriverException(
        VfsDriverProvider.NAME,
        id,
        "/%s belongs to host %s %d, which no range of %s has; change its owner or the id mapping"
            .formatted(path, kind, unmapped, ranges),
        null);
  }
}
