package io.layerstore.spi;

import io.layerstore.DriverException;
import org.jspecify.annotations.Nullable;

/** A native helper process failed, died or gave a malformed answer. */
public class HelperFailureException extends DriverException {
  private static final long serialVersionUID = 1L;

  private final String stage;
  private final int errno;

  /** About the step {@code stage}; {@code errno} is 0 where no system call failed. */
  public HelperFailureException(
      String driver,
      @Nullable String id,
      String stage,
      int errno,
      String problem,
      @Nullable Throwable cause) {
    super(driver, id, stage + ": " + problem, cause);
    this.stage = stage;
    this.errno = errno;
  }

  /** What the helper was doing. */
  public String stage() {
    return stage;
  }

  /** The error number of the system call that failed, or 0. */
  public int errno() {
    return errno;
  }
}
