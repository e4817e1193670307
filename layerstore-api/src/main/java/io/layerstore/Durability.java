package io.layerstore;

/** How much is forced to the disk before a change to the store is reported as done. */
public enum Durability {
  /**
   * Content and metadata. A layer that {@code register} returned is whole after a power cut. The
   * default.
   */
  FULL,
  /**
   * Metadata only, as dockerd does. After a power cut a layer can be listed whose files are
   * incomplete; export finds out.
   */
  METADATA,
  /**
   * Nothing. For tests and for stores that can be made again. A crash of the process alone still
   * loses nothing.
   */
  NONE
}
