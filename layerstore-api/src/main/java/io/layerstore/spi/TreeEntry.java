package io.layerstore.spi;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One entry of a layer's tree, without content.
 *
 * <p>Made with the factory of its type. For {@link EntryType#WHITEOUT} the path is the one that is
 * deleted, for {@link EntryType#OPAQUE} the directory that is opaque.
 *
 * @param path where it is
 * @param type what it is
 * @param attributes its attributes; for a hard link, those to give the shared file
 * @param sizeBytes the logical size of a regular file in bytes; else 0
 * @param linkText the target of a symbolic link, exactly as stored; null for other types
 * @param linkTarget the entry a hard link is a further name of; null for other types
 * @param device the number of a device; null for other types
 */
public record TreeEntry(
    LayerPath path,
    EntryType type,
    Attributes attributes,
    long sizeBytes,
    @Nullable ByteString linkText,
    @Nullable LayerPath linkTarget,
    @Nullable Device device) {

  /**
   * Checks that the parts fit the type.
   *
   * @throws IllegalArgumentException if they do not
   */
  public TreeEntry {
    Objects.requireNonNull(path, "path");
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(attributes, "attributes");
    boolean isDevice = type == EntryType.CHARACTER_DEVICE || type == EntryType.BLOCK_DEVICE;
    if ((linkText != null) != (type == EntryType.SYMLINK)
        || (linkTarget != null) != (type == EntryType.HARD_LINK)
        || (device != null) != isDevice
        || sizeBytes < 0
        || (sizeBytes > 0 && type != EntryType.FILE)) {
      throw new IllegalArgumentException("parts do not fit an entry of type " + type + ": " + path);
    }
    if (path.isRoot() && type != EntryType.DIRECTORY && type != EntryType.OPAQUE) {
      throw new IllegalArgumentException("the root of a layer cannot be of type " + type);
    }
  }

  /** A directory. */
  public static TreeEntry directory(LayerPath path, Attributes attributes) {
    return new TreeEntry(path, EntryType.DIRECTORY, attributes, 0, null, null, null);
  }

  /** A regular file of {@code sizeBytes} bytes. */
  public static TreeEntry file(LayerPath path, Attributes attributes, long sizeBytes) {
    return new TreeEntry(path, EntryType.FILE, attributes, sizeBytes, null, null, null);
  }

  /** A symbolic link to {@code text}. */
  public static TreeEntry symlink(LayerPath path, Attributes attributes, ByteString text) {
    return new TreeEntry(path, EntryType.SYMLINK, attributes, 0, text, null, null);
  }

  /** A further name of {@code target}. */
  public static TreeEntry hardLink(LayerPath path, Attributes attributes, LayerPath target) {
    return new TreeEntry(path, EntryType.HARD_LINK, attributes, 0, null, target, null);
  }

  /** A character or block device. */
  public static TreeEntry device(
      LayerPath path, EntryType type, Attributes attributes, Device device) {
    return new TreeEntry(path, type, attributes, 0, null, null, device);
  }

  /** A named pipe. */
  public static TreeEntry fifo(LayerPath path, Attributes attributes) {
    return new TreeEntry(path, EntryType.FIFO, attributes, 0, null, null, null);
  }

  /** The deletion of {@code path}. */
  public static TreeEntry whiteout(LayerPath path, Attributes attributes) {
    return new TreeEntry(path, EntryType.WHITEOUT, attributes, 0, null, null, null);
  }

  /** The mark that {@code directory} is opaque. */
  public static TreeEntry opaque(LayerPath directory, Attributes attributes) {
    return new TreeEntry(directory, EntryType.OPAQUE, attributes, 0, null, null, null);
  }

  /** This entry with other attributes. */
  public TreeEntry withAttributes(Attributes other) {
    return new TreeEntry(path, type, other, sizeBytes, linkText, linkTarget, device);
  }
}
