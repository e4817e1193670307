package io.layerstore;

import java.nio.file.attribute.PosixFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All that is known of an entry of an image or layer that is shown as a file system; got with
 * {@code Files.readAttributes(path, LayerEntryAttributes.class)}, or one by one by the names of the
 * view {@code layer}.
 *
 * <p>Everything is as the layer's archive says, whatever the file system can keep that the layer is
 * on. Immutable; safe for use by many threads. Good only as long as the file system is open.
 */
public interface LayerEntryAttributes extends PosixFileAttributes {

  /** The number of the layer that the entry comes from, 0 for the lowest one. */
  int layerIndex();

  /** The diff ID of that layer; empty if it can still change. */
  Optional<DiffId> diffId();

  /** The chain ID of that layer; empty if it can still change, or is of an archive. */
  Optional<ChainId> chainId();

  /**
   * Whether it is the deletion of what the layers below have under this name; seen only where a
   * layer is shown by itself.
   */
  boolean isWhiteout();

  /** Whether it is a directory that hides what the layers below have in it. */
  boolean isOpaque();

  /**
   * Whether it is a directory that the archive has no entry for, but something in it: of mode 0755,
   * owned by 0:0, and of no known time.
   */
  boolean isImplied();

  /**
   * The entries of the layers below that this one hides, the highest first. Of a directory that is
   * merged with those below, these, of which it hides the attributes.
   */
  List<LayerEntryAttributes> shadowed();

  /** The extended attributes, by their full names, such as {@code security.capability}. */
  Map<ByteString, ByteString> extendedAttributes();

  /** The type and the twelve bits of permission, as {@code st_mode} has them on Linux. */
  int mode();

  /** The user id of the owner. */
  long uid();

  /** The group id. */
  long gid();

  /** How many names the file has in its layer. */
  int linkCount();

  /** The number of a device, as {@code st_rdev} has it on Linux; 0 for everything else. */
  long deviceNumber();
}
