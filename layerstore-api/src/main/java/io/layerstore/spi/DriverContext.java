package io.layerstore.spi;

import io.layerstore.Durability;
import io.layerstore.IdMapping;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Where and how a driver works. Immutable, a value; made with {@link #builder}. */
public final class DriverContext {

  private final Path root;
  private final Path home;
  private final Map<String, String> options;
  private final IdMapping idMapping;
  private final Durability durability;
  private final boolean readOnly;
  private final Others others;

  /** What other stores do in the driver's directory at the same time. */
  public interface Others {

    /** Nobody else is there. */
    Others NONE =
        new Others() {
          @Override
          public boolean arePresent() {
            return false;
          }

          @Override
          public boolean areMany() {
            return false;
          }

          @Override
          public List<String> mounting(String id) {
            return List.of();
          }
        };

    /**
     * Whether somebody was there already when this driver was opened: then what looks unfinished
     * may be under way, and is not to be touched.
     */
    boolean arePresent();

    /** Whether somebody else is there now. */
    boolean areMany();

    /**
     * Who else has the layer of this ID mounted, in words. Whoever mounts or unmounts a layer keeps
     * the others from doing the same meanwhile.
     */
    List<String> mounting(String id);
  }

  private DriverContext(Builder builder) {
    root = builder.root;
    home = builder.home;
    options = builder.options;
    idMapping = builder.idMapping;
    durability = builder.durability;
    readOnly = builder.readOnly;
    others = builder.others;
  }

  /**
   * A builder for a driver that works in {@code home}, its own directory in {@code root}. The
   * directory may not exist yet.
   */
  public static Builder builder(Path root, Path home) {
    return new Builder(root, home);
  }

  /** The store's root. */
  public Path root() {
    return root;
  }

  /** The driver's own directory, {@code <root>/<name>}; may not exist yet. */
  public Path home() {
    return home;
  }

  /** The driver's options. */
  public Map<String, String> options() {
    return options;
  }

  /** How owners are shown on the host. */
  public IdMapping idMapping() {
    return idMapping;
  }

  /** How much to force to the disk. */
  public Durability durability() {
    return durability;
  }

  /** Whether nothing may be written. */
  public boolean readOnly() {
    return readOnly;
  }

  /** The other stores on the root. */
  public Others others() {
    return others;
  }

  private List<Object> values() {
    return List.of(root, home, options, idMapping, durability, readOnly, others);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof DriverContext that && values().equals(that.values());
  }

  @Override
  public int hashCode() {
    return values().hashCode();
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private final Path root;
    private final Path home;
    private Map<String, String> options = Map.of();
    private IdMapping idMapping = IdMapping.IDENTITY;
    private Durability durability = Durability.FULL;
    private boolean readOnly;
    private Others others = Others.NONE;

    private Builder(Path root, Path home) {
      this.root = Objects.requireNonNull(root, "root");
      this.home = Objects.requireNonNull(home, "home");
    }

    /** Sets the driver's options; none unless set. */
    public Builder options(Map<String, String> options) {
      this.options = Map.copyOf(options);
      return this;
    }

    /** Sets how owners are shown on the host; {@link IdMapping#IDENTITY} unless set. */
    public Builder idMapping(IdMapping idMapping) {
      this.idMapping = Objects.requireNonNull(idMapping, "idMapping");
      return this;
    }

    /** Sets how much to force to the disk; {@link Durability#FULL} unless set. */
    public Builder durability(Durability durability) {
      this.durability = Objects.requireNonNull(durability, "durability");
      return this;
    }

    /** Sets whether nothing may be written. False at first. */
    public Builder readOnly(boolean readOnly) {
      this.readOnly = readOnly;
      return this;
    }

    /** Sets what is known of other stores on the root; there are none unless set. */
    public Builder others(Others others) {
      this.others = Objects.requireNonNull(others, "others");
      return this;
    }

    /** Makes the options. */
    public DriverContext build() {
      return new DriverContext(this);
    }
  }
}
