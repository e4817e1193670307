package io.layerstore.overlay2.linux;

import java.util.Locale;

/** What a helper process does, for its whole life. */
enum HelperMode {
  PROBE,
  MOUNT,
  APPLY,
  SCAN,
  REMOVE,
  SYNC;

  /** How it is called on the command line. */
  String argument() {
    return name().toLowerCase(Locale.ROOT);
  }
}
