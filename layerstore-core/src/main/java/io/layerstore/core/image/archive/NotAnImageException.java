package io.layerstore.core.image.archive;

import io.layerstore.InvalidImageException;

/**
 * What a document of an archive describes is sound but no image for here: a signature, an
 * attestation, a chart, an image for another system. It is left out as long as there is something
 * else.
 */
final class NotAnImageException extends InvalidImageException {
  private static final long serialVersionUID = 1L;

  NotAnImageException(String reason) {
    super(reason);
  }
}
