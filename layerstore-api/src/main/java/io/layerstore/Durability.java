package io.layerstore;

/** How much is forced to the disk before a change to the store is reported as done. */
public enum Durability {
  /**
   * Content and metadata. Whatever a call reported as done is whole after a power cut: a layer that
   * {@code register} or {@code commit} returned, a read-write layer with the files of its base and
   * of its initializer, a diff that was applied, an image, a name. What is written through a mount
   * is for its user to force. The default.
   */
  FULL,
  /**
   * Metadata only, as dockerd does. After a power cut a layer can be listed whose files are
   * incomplete; export finds out.
   */
  METADATA,
  /**
   * Nothing. For tests, and for stores that can be rebuilt. A crash of the process alone still
   * loses nothing.
   */
  NONE
}
