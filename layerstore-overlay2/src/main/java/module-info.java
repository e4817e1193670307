/** The {@code overlay2} driver; exports nothing, and is found as a service. */
@SuppressWarnings("module") // The digit is part of the driver's name, as Docker spells it.
module io.layerstore.overlay2 {
  requires jdk.jfr;
  requires io.layerstore.core;
  requires static transitive org.jspecify;

  provides io.layerstore.spi.GraphDriverProvider with
      io.layerstore.overlay2.Overlay2DriverProvider;
}
