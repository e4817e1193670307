package io.layerstore.core.tar;

import io.layerstore.ByteString;
import io.layerstore.LimitExceededException;
import io.layerstore.MalformedArchiveException;
import io.layerstore.UnsupportedEntryException;

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

  MalformedArchiveException malformed(String problem) {
    return new MalformedArchiveException(index, name.toString(), problem);
  }

  MalformedArchiveException unexpectedEnd() {
    return malformed("unexpected EOF");
  }

  LimitExceededException exceeds(String limitName, long limit) {
    return new LimitExceededException(index, name.toString(), limitName, limit);
  }

  UnsupportedEntryException unsupported(String problem) {
    return new UnsupportedEntryException(index, name.toString(), problem);
  }
}
