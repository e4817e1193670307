package io.layerstore.registry;

import java.io.IOException;

/** A registry answered with something that makes no sense; another attempt may do better. */
final class BadAnswerException extends IOException {
  private static final long serialVersionUID = 1L;

  BadAnswerException(String message) {
    super(message);
  }
}
