package io.layerstore.core.tar;

import io.layerstore.LayerPath;
import io.layerstore.driver.PathSet;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.WriteContext;
import org.jspecify.annotations.Nullable;

/**
 * Warns of what is taken here, and exported exactly, but refused by {@code docker load}, so that
 * nobody finds out where it is too late. Used for one archive, by one thread, with every entry in
 * order.
 *
 * @see <a href="https://github.com/vbatts/tar-split">tar-split: tar/storage/entry.go,
 *     ErrDuplicatePath</a>
 */
public final class DockerRefusals {

  private final WriteContext context;

  /** Where the archive has whiteouts, and where it has something else after one. */
  private final PathSet deleted = new PathSet();

  private final PathSet madeAgain = new PathSet();
  private @Nullable String first;
  private boolean hasAbsoluteNames;
  private boolean hasRelativeNames;

  /** Warnings go to {@code context}. */
  public DockerRefusals(WriteContext context) {
    this.context = context;
  }

  /**
   * Looks at an entry.
   *
   * @param isFirst whether no entry before it had the same path
   */
  public void look(TarHeader header, MappedEntry mapped, boolean isFirst) {
    lookAtName(header, mapped.path(), isFirst);
    if (header.isOldGnuSparse()) {
      refuse(mapped.path(), refused("it is a sparse file of GNU tar, type S"));
    }
    if (mapped.tree() != null) {
      lookAtPlace(mapped.tree().path(), mapped.tree().type(), isFirst);
    }
  }

  /** Looks at the name of an entry, which stands for {@code path}, or of a global header. */
  public void lookAtName(TarHeader header, LayerPath path, boolean isFirst) {
    boolean isAbsolute = !header.name().isEmpty() && header.name().at(0) == '/';
    hasAbsoluteNames |= isAbsolute;
    hasRelativeNames |= !isAbsolute;
    // Docker tells a and /a apart.
    if (!isFirst && !(hasAbsoluteNames && hasRelativeNames)) {
      refuse(path, refused("the archive has this name before"));
    }
  }

  /**
   * Where whiteouts are stored, Docker makes a device for one without looking whether the name is
   * free, and takes that device for a directory afterwards.
   */
  private void lookAtPlace(LayerPath path, EntryType type, boolean isFirst) {
    if (type == EntryType.OPAQUE) {
      return;
    }
    if (isBelowWhiteout(path)) {
      refuse(path, refusedOnOverlay2("below what it deletes"));
    }
    if (type != EntryType.WHITEOUT) {
      if (deleted.size() > 0) {
        madeAgain.add(path);
      }
      return;
    }
    if (isFirst && context.isWritten(path)) {
      refuse(path, refusedOnOverlay2("deleted after it was added"));
    }
    deleted.add(path);
  }

  private boolean isBelowWhiteout(LayerPath path) {
    if (deleted.size() == 0) {
      return false;
    }
    for (LayerPath above = path; !above.isRoot(); ) {
      above = above.parent();
      if (deleted.contains(above) && !madeAgain.contains(above)) {
        return true;
      }
    }
    return false;
  }

  private static String refusedOnOverlay2(String reason) {
    return "docker load refuses the layer where it uses overlay2: " + reason;
  }

  private static String refused(String reason) {
    return "docker load refuses the layer: " + reason;
  }

  private void refuse(LayerPath path, String reason) {
    if (first == null) {
      first = "/" + path + ": " + reason;
    }
    context.warn(path, reason);
  }

  /**
   * The first reason for which Docker refuses the archive, with the path; null if none is known.
   */
  public @Nullable String first() {
    return first;
  }
}
