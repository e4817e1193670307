package io.layerstore.core.image.archive;

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
    String start = text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "..." : text;
    return ByteString.utf8(start).toString();
  }
}
