package io.layerstore;

import io.layerstore.spi.MetadataStoreFactory;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Everything a {@link LayerStore.Builder} collected. Immutable. */
public final class StoreOptions {

  /** Docker's place for the layer database. */
  public static final String DEFAULT_METADATA_PATH = "image/%s/layerdb";

  private final Path root;
  private final @Nullable String driver;
  private final Map<String, String> driverOptions;
  private final String metadataPathTemplate;
  private final IdMapping idMapping;
  private final Durability durability;
  private final Limits limits;
  private final DevicePolicy devices;
  private final @Nullable Executor executor;
  private final ProgressListener progress;
  private final boolean readOnly;
  private final StoreCreation creation;
  private final @Nullable MetadataStoreFactory metadataStore;

  private StoreOptions(Builder builder) {
    root = builder.root;
    driver = builder.driver;
    driverOptions = Map.copyOf(builder.driverOptions);
    metadataPathTemplate = builder.metadataPathTemplate;
    idMapping = builder.idMapping;
    durability = builder.durability;
    limits = builder.limits;
    devices = builder.devices;
    executor = builder.executor;
    progress = builder.progress;
    readOnly = builder.readOnly;
    creation = builder.creation;
    metadataStore = builder.metadataStore;
  }

  /** A builder with the defaults of {@link LayerStore.Builder} for a store at {@code root}. */
  public static Builder builder(Path root) {
    return new Builder(root);
  }

  /** The directory the store is in. */
  public Path root() {
    return root;
  }

  /** The graph driver's name, or null to choose. */
  public @Nullable String driver() {
    return driver;
  }

  /** Options for the graph driver. */
  public Map<String, String> driverOptions() {
    return driverOptions;
  }

  /** The metadata path for the driver {@code name}, relative to the root. */
  public String metadataPath(String name) {
    return metadataPathTemplate.replace("%s", name);
  }

  /** How owners are shown on the host. */
  public IdMapping idMapping() {
    return idMapping;
  }

  /** How much is forced to the disk. */
  public Durability durability() {
    return durability;
  }

  /** What archives may ask for. */
  public Limits limits() {
    return limits;
  }

  /** What becomes of devices in archives. */
  public DevicePolicy devices() {
    return devices;
  }

  /** What runs concurrent stages, or null for threads of the store's own. */
  public @Nullable Executor executor() {
    return executor;
  }

  /** Who is told of progress. */
  public ProgressListener progress() {
    return progress;
  }

  /** Whether to open for reading only. */
  public boolean readOnly() {
    return readOnly;
  }

  /** Where a store may be made. */
  public StoreCreation creation() {
    return creation;
  }

  /** What makes the metadata store, or null for the file metadata store. */
  public @Nullable MetadataStoreFactory metadataStore() {
    return metadataStore;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private final Path root;
    private @Nullable String driver;
    private final Map<String, String> driverOptions = new TreeMap<>();
    private String metadataPathTemplate = DEFAULT_METADATA_PATH;
    private IdMapping idMapping = IdMapping.IDENTITY;
    private Durability durability = Durability.FULL;
    private Limits limits = Limits.DEFAULT;
    private DevicePolicy devices = DevicePolicy.ALLOW;
    private @Nullable Executor executor;
    private ProgressListener progress = ProgressListener.NONE;
    private boolean readOnly;
    private StoreCreation creation = StoreCreation.IF_EMPTY;
    private @Nullable MetadataStoreFactory metadataStore;

    private Builder(Path root) {
      this.root = Objects.requireNonNull(root, "root");
    }

    /** Names the graph driver; null to choose. */
    public Builder driver(@Nullable String driver) {
      this.driver = driver;
      return this;
    }

    /** Adds an option for the graph driver. */
    public Builder driverOption(String key, String value) {
      driverOptions.put(Objects.requireNonNull(key, "key"), Objects.requireNonNull(value, "value"));
      return this;
    }

    /** Sets where the layer database is, relative to the root, with one {@code %s}. */
    public Builder metadataPathTemplate(String template) {
      this.metadataPathTemplate = Objects.requireNonNull(template, "template");
      return this;
    }

    /** Sets how owners are shown on the host. */
    public Builder idMapping(IdMapping idMapping) {
      this.idMapping = Objects.requireNonNull(idMapping, "idMapping");
      return this;
    }

    /** Sets how much is forced to the disk. */
    public Builder durability(Durability durability) {
      this.durability = Objects.requireNonNull(durability, "durability");
      return this;
    }

    /** Sets what archives may ask for. */
    public Builder limits(Limits limits) {
      this.limits = Objects.requireNonNull(limits, "limits");
      return this;
    }

    /** Sets what becomes of devices in archives. */
    public Builder devices(DevicePolicy devices) {
      this.devices = Objects.requireNonNull(devices, "devices");
      return this;
    }

    /** Sets what runs concurrent stages; null for threads of the store's own. */
    public Builder executor(@Nullable Executor executor) {
      this.executor = executor;
      return this;
    }

    /** Sets who is told of progress. */
    public Builder progress(ProgressListener progress) {
      this.progress = Objects.requireNonNull(progress, "progress");
      return this;
    }

    /** Sets whether to open for reading only. */
    public Builder readOnly(boolean readOnly) {
      this.readOnly = readOnly;
      return this;
    }

    /** Sets where a store may be made. */
    public Builder creation(StoreCreation creation) {
      this.creation = Objects.requireNonNull(creation, "creation");
      return this;
    }

    /** Sets what makes the metadata store; null for the file metadata store. */
    public Builder metadataStore(@Nullable MetadataStoreFactory factory) {
      this.metadataStore = factory;
      return this;
    }

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if the template is absolute, climbs with {@code ..}, is
     *     empty, or has a {@code %} that is not one {@code %s}
     */
    public StoreOptions build() {
      requireTemplate(metadataPathTemplate);
      return new StoreOptions(this);
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
  }
}
