package io.layerstore.core.tar;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;

/** Which entry of an archive is being read, for the exceptions about it. */
final class EntryPosition {

  private long index = -1;
  private ByteString name = ByteString.EMPTY;

  /** Begins the next entry, whose name is not known yet. */
  void advance() {
    index++;
    name = ByteString.EMPTY;
  }

  void name(ByteString newName) {
    name = newName;
  }

  long index() {
    return index;
  }

  ArchiveException malformed(String problem) {
    return new ArchiveException(Kind.MALFORMED, index, name.toString(), problem);
  }

  ArchiveException unexpectedEnd() {
    return malformed("unexpected EOF");
  }

  ArchiveException exceeds(String limitName, long limit) {
    return ArchiveException.limitExceeded(index, name.toString(), limitName, limit);
  }

  ArchiveException unsupported(String problem) {
    return new ArchiveException(Kind.UNSUPPORTED_ENTRY, index, name.toString(), problem);
  }
}
