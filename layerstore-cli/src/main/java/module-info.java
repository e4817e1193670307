/** The command line. */
module io.layerstore.cli {
  requires info.picocli;
  requires io.layerstore.api;
  requires static transitive org.jspecify;

  opens io.layerstore.cli to
      info.picocli;
}
