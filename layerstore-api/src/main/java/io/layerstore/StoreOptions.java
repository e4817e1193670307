package io.layerstore;

import io.layerstore.spi.MetadataStoreFactory;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Everything a {@link LayerStore.Builder} collected. Immutable.
 *
 * @param root the directory the store is in
 * @param driver the graph driver's name, or null to choose
 * @param driverOptions options for the graph driver
 * @param metadataPathTemplate where the layer database is, relative to the root, with one {@code
 *     %s} for the driver's name
 * @param idMapping how owners are shown on the host
 * @param durability how much is forced to the disk
 * @param limits what archives may ask for
 * @param devices what becomes of devices in archives
 * @param executor what runs concurrent stages, or null for threads of the store's own
 * @param progress who is told of progress
 * @param readOnly whether to open for reading only
 * @param metadataStore what makes the metadata store, or null for the file metadata store
 */
public record StoreOptions(
    Path root,
    @Nullable String driver,
    Map<String, String> driverOptions,
    String metadataPathTemplate,
    IdMapping idMapping,
    Durability durability,
    Limits limits,
    DevicePolicy devices,
    @Nullable Executor executor,
    ProgressListener progress,
    boolean readOnly,
    @Nullable MetadataStoreFactory metadataStore) {

  /** Docker's place for the layer database. */
  public static final String DEFAULT_METADATA_PATH = "image/%s/layerdb";

  /**
   * Checks the values and copies the map.
   *
   * @throws IllegalArgumentException if the template is absolute, climbs with {@code ..}, is empty,
   *     or has a {@code %} that is not one {@code %s}
   */
  public StoreOptions {
    Objects.requireNonNull(root, "root");
    driverOptions = Map.copyOf(driverOptions);
    Objects.requireNonNull(idMapping, "idMapping");
    Objects.requireNonNull(durability, "durability");
    Objects.requireNonNull(limits, "limits");
    Objects.requireNonNull(devices, "devices");
    Objects.requireNonNull(progress, "progress");
    requireTemplate(metadataPathTemplate);
  }

  private static void requireTemplate(String template) {
    String rest = template.replaceFirst("%s", "driver");
    LayerPath path;
    try {
      path = LayerPath.of(rest);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "not a relative metadata path template: \"" + template + "\"", e);
    }
    if (path.isRoot() || rest.indexOf('%') >= 0) {
      throw new IllegalArgumentException(
          "not a relative metadata path template: \"" + template + "\"");
    }
  }

  /** The metadata path for the driver {@code name}, relative to the root. */
  public String metadataPath(String name) {
    return metadataPathTemplate.replace("%s", name);
  }
}
