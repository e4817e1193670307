package io.layerstore.core.vfs;

import io.layerstore.ArchiveException;
import io.layerstore.BreakoutException;
import io.layerstore.ByteString;
import io.layerstore.DuplicateEntryException;
import io.layerstore.MalformedArchiveException;
import org.jspecify.annotations.Nullable;

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

  /** Two names of which the file system makes one; the other one may not be known. */
  static DuplicateEntryException sameName(ByteString name, @Nullable ByteString other) {
    return new DuplicateEntryException(
        ArchiveException.NO_ENTRY,
        "",
        "the file system takes the name \"%s\" for %s that is there already"
            .formatted(name, other == null ? "another" : "\"" + other + "\""));
  }
}
