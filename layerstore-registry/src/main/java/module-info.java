/** The client of registries; exports nothing, and is found as a service. */
module io.layerstore.registry {
  requires com.fasterxml.jackson.core;
  requires io.layerstore.api;
  requires java.net.http;
  requires org.slf4j;
  requires static transitive org.jspecify;

  provides io.layerstore.spi.RegistryProvider with
      io.layerstore.registry.HttpRegistryProvider;
}
