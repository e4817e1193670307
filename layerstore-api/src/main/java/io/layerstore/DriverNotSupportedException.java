package io.layerstore;

/** A graph driver cannot be used here; the reason says what is missing. */
public class DriverNotSupportedException extends DriverException {
  private static final long serialVersionUID = 1L;

  private final String reason;

  /** About the driver called {@code driver}. */
  public DriverNotSupportedException(String driver, String reason) {
    super(driver, null, "driver not supported: " + reason, null);
    this.reason = reason;
  }

  /** What is missing. */
  public String reason() {
    return reason;
  }
}
