package io.layerstore.spi;

/** What an entry of a layer is. */
public enum EntryType {
  /** A directory. */
  DIRECTORY,
  /** A regular file. */
  FILE,
  /** A symbolic link. */
  SYMLINK,
  /** A further name of an entry of the same layer. */
  HARD_LINK,
  /** A character device. */
  CHARACTER_DEVICE,
  /** A block device. */
  BLOCK_DEVICE,
  /** A named pipe. */
  FIFO,
  /** The path is deleted: whatever the layers below have there is hidden. */
  WHITEOUT,
  /** The directory is opaque: whatever the layers below have in it is hidden. */
  OPAQUE
}
