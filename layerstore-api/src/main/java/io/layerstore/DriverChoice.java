package io.layerstore;

import java.util.Map;

/**
 * Which graph driver a store uses, and why.
 *
 * @param driver the driver's name
 * @param reason why it was chosen, in a sentence
 * @param rejected for each driver that was tried or passed over, why it was not taken
 */
public record DriverChoice(String driver, String reason, Map<String, String> rejected) {

  /** Copies the map. */
  public DriverChoice {
    rejected = Map.copyOf(rejected);
  }

  /** The driver and the reason; {@link #rejected} is left out. */
  @Override
  public String toString() {
    return driver + ": " + reason;
  }
}
