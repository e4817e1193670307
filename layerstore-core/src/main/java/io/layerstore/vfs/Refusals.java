package io.layerstore.vfs;

import io.layerstore.ArchiveException;
import io.layerstore.BreakoutException;
import io.layerstore.MalformedArchiveException;

/**
 * The reasons for which an entry is refused; which entry of the archive it was, the store knows.
 */
final class Refusals {

  private Refusals() {}

  static MalformedArchiveException malformed(String problem) {
    return new MalformedArchiveException(ArchiveException.NO_ENTRY, "", problem);
  }

  static BreakoutException breakout(String problem) {
    return new BreakoutException(ArchiveException.NO_ENTRY, "", problem);
  }
}
