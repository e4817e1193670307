/** The layer store and the {@code vfs} driver. */
module io.layerstore.core {
  requires transitive io.layerstore.api;
  requires com.fasterxml.jackson.core;
  requires com.google.common;
  requires jdk.jfr;
  requires org.apache.commons.compress;
  requires org.slf4j;
  requires static com.github.luben.zstd_jni;
  requires static com.google.errorprone.annotations;
  requires static transitive org.jspecify;
  requires static org.tukaani.xz;

  exports io.layerstore.core;
  exports io.layerstore.driver;

  uses io.layerstore.spi.GraphDriverProvider;

  provides io.layerstore.spi.GraphDriverProvider with
      io.layerstore.vfs.VfsDriverProvider;
  provides java.nio.file.spi.FileSystemProvider with
      io.layerstore.core.view.ViewProvider;
  provides io.layerstore.LayerStoreProvider with
      io.layerstore.core.DefaultLayerStoreProvider;
}
