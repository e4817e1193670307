/** The layer store and the {@code vfs} driver. */
module io.layerstore.core {
  // TODO: export io.layerstore.core with its first class; javac refuses to export an empty package.
  requires transitive io.layerstore.api;
  requires com.fasterxml.jackson.core;
  requires com.google.common;
  requires org.apache.commons.compress;
  requires org.slf4j;
  requires static com.github.luben.zstd_jni;
  requires static transitive org.jspecify;
  requires static org.tukaani.xz;

  exports io.layerstore.driver;
}
