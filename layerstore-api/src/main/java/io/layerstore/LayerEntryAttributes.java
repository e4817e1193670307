package io.layerstore;

import java.nio.file.attribute.PosixFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All attributes of an entry of an image or layer that is shown as a file system; read them with
 * {@code Files.readAttributes(path, LayerEntryAttributes.class)}, or one by one by the names of the
 * view {@code layer}.
 *
 * <p>Everything is as in the layer's archive, whatever the driver's file system can keep.
 * Immutable; safe for use by many threads. Valid only while the file system is open.
 */
public interface LayerEntryAttributes extends PosixFileAttributes {

  /** The number of the layer that the entry comes from, 0 for the lowest one. */
  int layerIndex();

  /** The diff ID of that layer; empty if it can still change. */
  Optional<DiffId> diffId();

  /** The chain ID of that layer; empty for a read-write layer or an archive. */
  Optional<ChainId> chainId();

  /**
   * Whether it deletes what the layers below have under this name; seen only if a layer is shown by
   * itself.
   */
  boolean isWhiteout();

  /** Whether it is a directory that hides what the layers below have in it. */
  boolean isOpaque();

  /**
   * Whether it is a directory without an entry of its own in the archive, which only has entries in
   * it: mode 0755, owner 0:0, time unknown.
   */
  boolean isImplied();

  /**
   * The entries of lower layers that this one hides, highest first. For a merged directory, the
   * directories whose attributes it hides.
   *
   * @throws java.io.UncheckedIOException if a registry does not give the layers below
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
