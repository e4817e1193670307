package io.layerstore.overlay2.linux.wire;

import io.layerstore.spi.HelperFailureException;
import org.jspecify.annotations.Nullable;

/** The system does not let this user have the ids that a helper was to have. */
public final class IdMapsFailureException extends HelperFailureException {
  private static final long serialVersionUID = 1L;

  public IdMapsFailureException(String program, String problem, @Nullable Throwable cause) {
    super(HelperProcess.DRIVER, null, "map ids with " + program, 0, problem, cause);
  }
}
