package io.layerstore.core.view;

import java.io.IOException;

/** A layer cannot be understood without those below it, which are not known. */
final class LowerLayerNeededException extends IOException {

  private static final long serialVersionUID = 1L;

  LowerLayerNeededException() {
    super("a layer below is needed");
  }
}
