package io.layerstore.overlay2.linux;

import io.layerstore.IdMapping;
import io.layerstore.LayerPath;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.spi.UnmappableIdException;
import java.util.List;
import java.util.OptionalLong;

/** The owners that files get on the host. Immutable. */
final class OwnerMapping {

  private final String id;
  private final IdMapping mapping;
  private final boolean ignoresOwners;

  /** For the layer {@code id}. */
  OwnerMapping(String id, WriteSettings settings) {
    this.id = id;
    this.mapping = settings.idMapping();
    this.ignoresOwners = settings.ignoresOwners();
  }

  /** The owner of directories that the archive does not have. */
  long rootUid() throws UnmappableIdException {
    return uid(LayerPath.ROOT, 0);
  }

  /** Their group. */
  long rootGid() throws UnmappableIdException {
    return gid(LayerPath.ROOT, 0);
  }

  /** The owner of {@code path} on the host, whose owner in the layer is {@code uid}. */
  long uid(LayerPath path, long uid) throws UnmappableIdException {
    return ignoresOwners ? 0 : require(mapping.uidToHost(uid), path, "user", uid);
  }

  /** The group likewise. */
  long gid(LayerPath path, long gid) throws UnmappableIdException {
    return ignoresOwners ? 0 : require(mapping.gidToHost(gid), path, "group", gid);
  }

  private long require(OptionalLong host, LayerPath path, String kind, long value)
      throws UnmappableIdException {
    if (host.isEmpty()) {
      List<IdMapping.Range> ranges = kind.equals("user") ? mapping.uids() : mapping.gids();
      throw new UnmappableIdException(
          HelperProcess.DRIVER, id, path.toString(), kind, value, ranges.toString());
    }
    return host.getAsLong();
  }
}
