package io.layerstore.core.image.archive;

import io.layerstore.InvalidImageException;

/** A member that another one names is not in the archive. */
final class MissingMemberException extends InvalidImageException {
  private static final long serialVersionUID = 1L;

  private final String path;

  MissingMemberException(String path) {
    super(
        "the archive has no member "
            + ArchiveText.quoted(path)
            + ", which it refers to; it may be incomplete: get it again from its source");
    this.path = path;
  }

  /** The member. */
  String path() {
    return path;
  }
}
