package io.layerstore.spi;

import java.util.Objects;

/**
 * Whether a driver can be used in some place.
 *
 * @param isSupported whether it can
 * @param detail if it can, what was found; if it cannot, what is missing and what to do, in a
 *     sentence
 */
public record ProbeResult(boolean isSupported, String detail) {

  /** Rejects nulls. */
  public ProbeResult {
    Objects.requireNonNull(detail, "detail");
  }

  /** The driver can be used; {@code evidence} says what was found. */
  public static ProbeResult supported(String evidence) {
    return new ProbeResult(true, evidence);
  }

  /** The driver cannot be used, for {@code reason}. */
  public static ProbeResult unsupported(String reason) {
    return new ProbeResult(false, reason);
  }
}
