package io.layerstore.core.image.archive;

import com.google.common.base.Ascii;
import io.layerstore.ByteString;

/** Shows text from an archive to people. */
final class ArchiveText {

  private static final int MAX_SHOWN = 200;

  private ArchiveText() {}

  /** Text from an archive in quotes, without control characters and not longer than needed. */
  static String quoted(String text) {
    return "\"" + printable(text) + "\"";
  }

  /** Text from an archive without control characters, and not longer than needed. */
  static String printable(String text) {
    return ByteString.utf8(Ascii.truncate(text, MAX_SHOWN, "...")).toString();
  }
}
