package io.layerstore.core.tar;

import io.layerstore.ArchiveException;
import io.layerstore.MalformedArchiveException;

/** What was given as an archive is something else, as far as its beginning tells. */
public final class NotTarException extends MalformedArchiveException {
  private static final long serialVersionUID = 1L;

  private final ForeignFormat format;

  NotTarException(ForeignFormat format, MalformedArchiveException cause) {
    super(ArchiveException.NO_ENTRY, "", "not a tar: it looks like " + format.description(), cause);
    this.format = format;
  }

  /** What it looks like. */
  public ForeignFormat format() {
    return format;
  }
}
