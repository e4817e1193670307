package io.layerstore.overlay2.linux.wire;

import java.util.Locale;

/** What a forked helper process does, for its whole life. */
public enum HelperMode {
  PROBE(Protocol.MODE_PROBE),
  MOUNT(Protocol.MODE_MOUNT),
  APPLY(Protocol.MODE_APPLY),
  SCAN(Protocol.MODE_SCAN),
  REMOVE(Protocol.MODE_REMOVE),
  SYNC(Protocol.MODE_SYNC);

  private final int code;

  HelperMode(int code) {
    this.code = code;
  }

  /** Its number in the protocol. */
  public int code() {
    return code;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
