/** The command line. */
module io.layerstore.cli {
  requires com.fasterxml.jackson.core;
  requires info.picocli;
  requires io.layerstore.api;
  requires org.slf4j;
  requires static transitive org.jspecify;

  provides org.slf4j.spi.SLF4JServiceProvider with
      io.layerstore.cli.WarningLog;
}
