package io.layerstore;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** How to open a store. Immutable; made with {@link LayerStore#builder}. */
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
  private final Progress.@Nullable Listener progress;
  private final boolean readOnly;
  private final Creation creation;
  private final boolean isExclusive;
  private final Duration lockTimeout;

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
    isExclusive = builder.isExclusive;
    lockTimeout = builder.lockTimeout;
  }

  /** A builder without any option set, for a store at {@code root}. */
  public static Builder builder(Path root) {
    return new Builder(root);
  }

  /** The directory the store is in. */
  public Path root() {
    return root;
  }

  /** The graph driver's name; empty to choose. */
  public Optional<String> driver() {
    return Optional.ofNullable(driver);
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

  /** What to do with devices in archives. */
  public DevicePolicy devices() {
    return devices;
  }

  /** What runs concurrent stages; empty for threads of the store's own. */
  public Optional<Executor> executor() {
    return Optional.ofNullable(executor);
  }

  /** Who is told of progress; empty for nobody. */
  public Optional<Progress.Listener> progress() {
    return Optional.ofNullable(progress);
  }

  /** Whether to open for reading only. */
  public boolean readOnly() {
    return readOnly;
  }

  /** Where a store may be made. */
  public Creation creation() {
    return creation;
  }

  /**
   * The provider on the class path or module path: the first one the thread's context class loader
   * sees, else the first one this class's own loader sees.
   */
  static LayerStoreProvider provider() {
    return ServiceLoader.load(LayerStoreProvider.class)
        .findFirst()
        .or(
            () ->
                ServiceLoader.load(
                        LayerStoreProvider.class, LayerStoreProvider.class.getClassLoader())
                    .findFirst())
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "no layer store implementation found; add io.layerstore:layerstore-core to the class path or module path"));
  }

  /** Whether to keep all others out that would write. */
  public boolean isExclusive() {
    return isExclusive;
  }

  /** How long to wait for a root that is open in a way that does not let this store in. */
  public Duration lockTimeout() {
    return lockTimeout;
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
    private Progress.@Nullable Listener progress;
    private boolean readOnly;
    private Creation creation = Creation.IF_EMPTY;
    private boolean isExclusive;
    private Duration lockTimeout = Duration.ZERO;

    private Builder(Path root) {
      this.root = Objects.requireNonNull(root, "root");
    }

    /**
     * Names the graph driver, such as {@code overlay2} or {@code vfs}; without it the store chooses
     * as Docker does.
     */
    public Builder driver(@Nullable String driver) {
      this.driver = driver;
      return this;
    }

    /** Adds an option for the graph driver; one it does not know is refused at open. */
    public Builder driverOption(String key, String value) {
      driverOptions.put(Objects.requireNonNull(key, "key"), Objects.requireNonNull(value, "value"));
      return this;
    }

    /**
     * Sets where the layer database is, relative to the root; {@code %s} stands for the driver's
     * name. Docker's is {@code image/%s/layerdb}.
     */
    public Builder metadataPathTemplate(String template) {
      this.metadataPathTemplate = Objects.requireNonNull(template, "template");
      return this;
    }

    /** Sets how owners are shown on the host. */
    public Builder idMapping(IdMapping idMapping) {
      this.idMapping = Objects.requireNonNull(idMapping, "idMapping");
      return this;
    }

    /** Sets how much is forced to the disk; {@link Durability#FULL} unless set. */
    public Builder durability(Durability durability) {
      this.durability = Objects.requireNonNull(durability, "durability");
      return this;
    }

    /** Sets what archives may ask for; {@link Limits#DEFAULT} unless set. */
    public Builder limits(Limits limits) {
      this.limits = Objects.requireNonNull(limits, "limits");
      return this;
    }

    /**
     * Sets what to do with devices in archives that are unpacked, commits included; {@link
     * DevicePolicy#ALLOW} unless set.
     */
    public Builder devices(DevicePolicy devices) {
      this.devices = Objects.requireNonNull(devices, "devices");
      return this;
    }

    /**
     * Sets what runs the store's concurrent stages. It must be able to run two tasks for each
     * operation at the same time, or operations wait for each other. The store never shuts it down.
     * Without it the store has threads of its own, ended at close.
     */
    public Builder executor(@Nullable Executor executor) {
      this.executor = executor;
      return this;
    }

    /** Sets who is told of progress, unless an operation names a listener of its own. */
    public Builder progress(Progress.@Nullable Listener progress) {
      this.progress = progress;
      return this;
    }

    /**
     * Opens for reading only: nothing is locked, written or repaired, and another store or a daemon
     * may be using the root.
     */
    public Builder readOnly(boolean readOnly) {
      this.readOnly = readOnly;
      return this;
    }

    /**
     * Sets where a store may be created if the root has none; {@link Creation#IF_EMPTY} unless set.
     * Opening for reading only never creates one: an empty directory is then an empty store, and
     * any other is refused.
     */
    public Builder create(Creation creation) {
      this.creation = Objects.requireNonNull(creation, "creation");
      return this;
    }

    /**
     * Opens the root for this store alone: no other process, and no other store in this one, can
     * open it for writing meanwhile. Without it any number of them share the root.
     */
    public Builder exclusive() {
      this.isExclusive = true;
      return this;
    }

    /**
     * How long to wait for a root that is open in a way that keeps this store out. Unless set,
     * opening fails at once. An interrupt ends the wait.
     *
     * @throws IllegalArgumentException if {@code timeout} is negative
     */
    public Builder lockTimeout(Duration timeout) {
      if (timeout.isNegative()) {
        throw new IllegalArgumentException("negative time to wait: " + timeout);
      }
      this.lockTimeout = timeout;
      return this;
    }

    /**
     * Opens the store.
     *
     * @throws IllegalArgumentException if an option is not valid
     * @throws LayerStoreException as {@link LayerStore#open} says
     */
    public LayerStore open() throws LayerStoreException {
      return provider().open(build());
    }

    /**
     * Makes the options, for a {@link LayerStoreProvider}; {@link #open} does both.
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

  /** Whether opening a root for writing may create a store where there is none. */
  public enum Creation {
    /** Never: without a store of the driver, opening fails and changes nothing. */
    NEVER,

    /**
     * In a directory that does not exist or is empty; and in any other if the graph driver is
     * named. This is the default.
     */
    IF_EMPTY,

    /**
     * As {@link #IF_EMPTY}, but a store that is still empty when it is closed is removed again. For
     * programs that may fail before they have anything to keep.
     */
    IF_USED,

    /**
     * In any directory, beside whatever is in it.
     *
     * <p>Dangerous in the data root of an engine that keeps its images elsewhere: dockerd that
     * finds the directory of a graph driver uses that driver, and no longer shows its images.
     */
    ANYWHERE
  }
}
