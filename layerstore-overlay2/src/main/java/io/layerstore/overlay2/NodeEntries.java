package io.layerstore.overlay2;

import io.layerstore.DriverException;
import io.layerstore.LayerPath;
import io.layerstore.overlay2.linux.TreeNode;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * Makes entries of what is on the disk, with the owners inside the layer. Immutable.
 *
 * @param id the layer, for messages
 * @param owners who is who
 */
record NodeEntries(String id, HostOwners owners) {

  private static final int WHITEOUT_MODE = 0600;
  private static final int OPAQUE_MODE_MASK = 0777;

  /** The entry that {@code node} is by itself; for a whiteout and a further name of a file too. */
  TreeEntry entry(TreeNode node) throws DriverException {
    LayerPath path = node.path();
    if (node.type() == EntryType.WHITEOUT) {
      return whiteout(node);
    }
    Attributes attributes = attributes(node);
    return switch (node.type()) {
      case DIRECTORY -> TreeEntry.directory(path, attributes);
      case FILE -> TreeEntry.file(path, attributes, node.sizeBytes());
      case SYMLINK -> TreeEntry.symlink(path, attributes, Objects.requireNonNull(node.linkText()));
      case CHARACTER_DEVICE, BLOCK_DEVICE ->
          TreeEntry.device(path, node.type(), attributes, Objects.requireNonNull(node.device()));
      case FIFO -> TreeEntry.fifo(path, attributes);
      case WHITEOUT, HARD_LINK, OPAQUE ->
          throw new IllegalArgumentException("not the type of a node: " + node.type());
    };
  }

  /** Whether the id mapping has the owner and the group of {@code node}. */
  boolean hasOwnerInside(TreeNode node) {
    return owners.mapping().uidToContainer(node.uid()).isPresent()
        && owners.mapping().gidToContainer(node.gid()).isPresent();
  }

  /**
   * A deletion, whose owner is not mapped and whose mode is always the same, as in Docker: the
   * kernel makes it for whoever mounted, so that it belongs to root of the host, whom a mapping has
   * seldom.
   */
  private static TreeEntry whiteout(TreeNode node) {
    return TreeEntry.whiteout(
        node.path(),
        new Attributes(
            WHITEOUT_MODE,
            node.uid(),
            node.gid(),
            node.modified(),
            node.modified(),
            node.xattrs()));
  }

  /**
   * Checks that a node of a layer's own directory is all there is to it.
   *
   * @throws DriverException if it stands for something in the layers below
   */
  void requireWhole(TreeNode node) throws DriverException {
    if (node.isRedirected() || node.isMetacopy()) {
      throw LayerDirectories.failure(
          id,
          "/"
              + node.path()
              + (node.isRedirected()
                  ? " was renamed in a mount with redirect_dir on"
                  : " has its content in a lower layer, from a mount with metacopy on")
              + ", so the layer's own directory is not all of the difference; make the change again"
              + " in a mount without that option",
          null);
    }
  }

  /** The mark after an opaque directory: its mode without special bits, no time. */
  static TreeEntry opaqueMark(TreeEntry directory) {
    Attributes attributes = directory.attributes();
    return TreeEntry.opaque(
        directory.path(),
        new Attributes(
            attributes.mode() & OPAQUE_MODE_MASK,
            attributes.uid(),
            attributes.gid(),
            Instant.EPOCH,
            Instant.EPOCH,
            List.of()));
  }

  private Attributes attributes(TreeNode node) throws DriverException {
    String path = node.path().toString();
    return new Attributes(
        node.mode(),
        owners.uidInside(id, path, node.uid()),
        owners.gidInside(id, path, node.gid()),
        node.modified(),
        node.modified(),
        node.xattrs());
  }

  /** Whether {@code node} shows in a merged view of the layer alone. */
  static boolean isVisible(TreeNode node) {
    return node.type() != EntryType.WHITEOUT;
  }
}
