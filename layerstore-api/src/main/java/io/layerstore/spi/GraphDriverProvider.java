package io.layerstore.spi;

import io.layerstore.LayerStoreException;

/**
 * Makes a {@link GraphDriver}; found with {@link java.util.ServiceLoader}.
 *
 * <p>An implementation
 *
 * <ul>
 *   <li>has a public constructor without parameters that does nothing that could fail;
 *   <li>answers {@link #probe} without leaving anything behind.
 * </ul>
 */
public interface GraphDriverProvider {

  /**
   * The driver's name, also of its directories {@code <root>/<name>} and {@code
   * <root>/image/<name>}.
   */
  String name();

  /**
   * Tries whether the driver can be used in this place. Never throws because a place is
   * unsupported.
   */
  ProbeResult probe(DriverContext context);

  /**
   * Opens the driver, and creates its home directory unless the context is read-only.
   *
   * @throws io.layerstore.DriverNotSupportedException if {@link #probe} would say so
   * @throws io.layerstore.DriverException if an option is unknown or the home cannot be used
   */
  GraphDriver open(DriverContext context) throws LayerStoreException;
}
