package io.layerstore.core.tar;

import io.layerstore.ArchiveException;

/** What was given as an archive is something else, as far as its beginning tells. */
public final class NotTarException extends ArchiveException {
  private static final long serialVersionUID = 1L;

  private final ForeignFormat format;

  NotTarException(ForeignFormat format, ArchiveException cause) {
    super(Kind.MALFORMED, "not a tar: it looks like " + format.description(), cause);
    this.format = format;
  }

  /** What it looks like. */
  public ForeignFormat format() {
    return format;
  }
}
