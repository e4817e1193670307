package io.layerstore.vfs;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;

/**
 * The reasons for which an entry is refused; which entry of the archive it was, the store knows.
 */
final class Refusals {

  private Refusals() {}

  static ArchiveException malformed(String problem) {
    return new ArchiveException(Kind.MALFORMED, problem);
  }

  static ArchiveException breakout(String problem) {
    return new ArchiveException(Kind.BREAKOUT, problem);
  }
}
