package io.layerstore.core;

import io.layerstore.LayerPath;
import io.layerstore.core.tar.MappedEntry;
import io.layerstore.core.tar.TarHeader;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.WriteContext;

/**
 * Warns of what is taken here, and exported exactly, but refused by {@code docker load}, so that
 * nobody finds out where it is too late. Used for one archive, by one thread, with every entry in
 * order.
 *
 * @see <a href="https://github.com/vbatts/tar-split">tar-split: tar/storage/entry.go,
 *     ErrDuplicatePath</a>
 */
final class DockerRefusals {

  private final WriteContext context;
  private boolean hasAbsoluteNames;
  private boolean hasRelativeNames;

  DockerRefusals(WriteContext context) {
    this.context = context;
  }

  /**
   * Looks at an entry.
   *
   * @param isFirst whether no entry before it had the same path
   */
  void look(TarHeader header, MappedEntry mapped, boolean isFirst) {
    lookAtName(header, mapped.path(), isFirst);
    if (header.isOldGnuSparse()) {
      context.warn(mapped.path(), refused("it is a sparse file of GNU tar, type S"));
    }
    if (isFirst) {
      lookAtWhiteout(mapped);
    }
  }

  /** Looks at the name of an entry, which stands for {@code path}, or of a global header. */
  void lookAtName(TarHeader header, LayerPath path, boolean isFirst) {
    boolean isAbsolute = !header.name().isEmpty() && header.name().at(0) == '/';
    hasAbsoluteNames |= isAbsolute;
    hasRelativeNames |= !isAbsolute;
    // Docker tells a and /a apart.
    if (!isFirst && !(hasAbsoluteNames && hasRelativeNames)) {
      context.warn(path, refused("the archive has this name before"));
    }
  }

  /** Where whiteouts are stored, Docker makes one without looking whether the name is free. */
  private void lookAtWhiteout(MappedEntry mapped) {
    if (mapped.tree() != null
        && mapped.tree().type() == EntryType.WHITEOUT
        && context.isWritten(mapped.tree().path())) {
      context.warn(
          mapped.tree().path(),
          "docker load refuses the layer where it uses overlay2: deleted after it was added");
    }
  }

  private static String refused(String reason) {
    return "docker load refuses the layer: " + reason;
  }
}
