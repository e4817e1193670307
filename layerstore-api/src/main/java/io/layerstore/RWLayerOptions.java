package io.layerstore;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** How to create a read-write layer. Immutable; made with {@link #builder}. */
public final class RWLayerOptions {

  /** On nothing, no label, no initializer, no storage options. */
  public static final RWLayerOptions DEFAULT = builder().build();

  private final @Nullable ChainId parent;
  private final @Nullable String mountLabel;
  private final @Nullable Initializer initializer;
  private final Map<String, String> storageOptions;

  private RWLayerOptions(Builder builder) {
    parent = builder.parent;
    mountLabel = builder.mountLabel;
    initializer = builder.initializer;
    storageOptions = Map.copyOf(builder.storageOptions);
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** The options for a read-write layer on top of {@code parent}, or on nothing if it is null. */
  public static RWLayerOptions onTopOf(@Nullable ChainId parent) {
    return builder().parent(parent).build();
  }

  /** The layer below; empty for nothing. */
  public Optional<ChainId> parent() {
    return Optional.ofNullable(parent);
  }

  /** The SELinux label of the init layer's mount. */
  public Optional<String> mountLabel() {
    return Optional.ofNullable(mountLabel);
  }

  /** The code that fills the init layer; without it there is no init layer. */
  public Optional<Initializer> initializer() {
    return Optional.ofNullable(initializer);
  }

  /** Options for the graph driver, such as {@code size}. */
  public Map<String, String> storageOptions() {
    return storageOptions;
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.parent = parent;
    builder.mountLabel = mountLabel;
    builder.initializer = initializer;
    builder.storageOptions.putAll(storageOptions);
    return builder;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable ChainId parent;
    private @Nullable String mountLabel;
    private @Nullable Initializer initializer;
    private final Map<String, String> storageOptions = new TreeMap<>();

    private Builder() {}

    /** Sets the layer below; null for nothing. */
    public Builder parent(@Nullable ChainId parent) {
      this.parent = parent;
      return this;
    }

    /** Sets the SELinux label of the init layer's mount. */
    public Builder mountLabel(@Nullable String mountLabel) {
      this.mountLabel = mountLabel;
      return this;
    }

    /** Sets the code that fills the init layer. */
    public Builder initializer(@Nullable Initializer initializer) {
      this.initializer = initializer;
      return this;
    }

    /** Adds one option for the graph driver. */
    public Builder storageOption(String key, String value) {
      storageOptions.put(key, value);
      return this;
    }

    /** Makes the options. */
    public RWLayerOptions build() {
      return new RWLayerOptions(this);
    }
  }

  /**
   * Code that fills the init layer of a new read-write layer, as Docker does for {@code /etc/hosts}
   * and its like.
   *
   * <p>What it writes belongs to the initial state of the read-write layer, so it counts neither as
   * a change nor in its size.
   */
  @FunctionalInterface
  public interface Initializer {

    /**
     * Runs once, while the read-write layer is created.
     *
     * @param root the mounted init layer with the files of the layers below; usable until this
     *     returns
     * @throws IOException if it fails; nothing of the read-write layer remains
     */
    void initialize(RootDirectory root) throws IOException;
  }
}
