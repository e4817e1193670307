/** The command line. */
module io.layerstore.cli {
  requires com.fasterxml.jackson.core;
  requires info.picocli;
  requires io.layerstore.api;
  requires static transitive org.jspecify;
}
