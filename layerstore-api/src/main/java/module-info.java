/**
 * The layer store API: what application code compiles against, and the interfaces that drivers
 * implement.
 *
 * <p>{@code io.layerstore} is for users, {@code io.layerstore.spi} for those who write a graph
 * driver or a metadata store. The implementation is found with {@link java.util.ServiceLoader}.
 */
module io.layerstore.api {
  requires static transitive org.jspecify;

  exports io.layerstore;
  exports io.layerstore.spi;

  uses io.layerstore.LayerStoreProvider;
  uses io.layerstore.spi.RegistryProvider;
}
