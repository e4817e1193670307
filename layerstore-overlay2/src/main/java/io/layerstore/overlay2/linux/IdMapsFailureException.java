package io.layerstore.overlay2.linux;

import io.layerstore.spi.HelperFailureException;
import org.jspecify.annotations.Nullable;

/** The system does not let this user have the ids that a helper was to have. */
final class IdMapsFailureException extends HelperFailureException {
  private static final long serialVersionUID = 1L;

  IdMapsFailureException(String program, String problem, @Nullable Throwable cause) {
    super(HelperProcess.DRIVER, null, "map ids with " + program, 0, problem, cause);
  }
}
