package io.layerstore.spi;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** How to create a layer's directory. Immutable; made with {@link #builder}. */
public final class CreateOptions {

  /** No label, no options. */
  public static final CreateOptions DEFAULT = builder().build();

  private final @Nullable String mountLabel;
  private final Map<String, String> storageOptions;

  private CreateOptions(Builder builder) {
    mountLabel = builder.mountLabel;
    storageOptions = Map.copyOf(builder.storageOptions);
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** The SELinux label. */
  public Optional<String> mountLabel() {
    return Optional.ofNullable(mountLabel);
  }

  /** Options for this layer, such as {@code size}. */
  public Map<String, String> storageOptions() {
    return storageOptions;
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.mountLabel = mountLabel;
    builder.storageOptions.putAll(storageOptions);
    return builder;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable String mountLabel;
    private final Map<String, String> storageOptions = new TreeMap<>();

    private Builder() {}

    /** Sets the SELinux label. */
    public Builder mountLabel(@Nullable String mountLabel) {
      this.mountLabel = mountLabel;
      return this;
    }

    /** Adds an option for this layer, such as {@code size}. */
    public Builder storageOption(String key, String value) {
      storageOptions.put(
          Objects.requireNonNull(key, "key"), Objects.requireNonNull(value, "value"));
      return this;
    }

    /** Adds options for this layer. */
    public Builder storageOptions(Map<String, String> options) {
      storageOptions.putAll(options);
      return this;
    }

    /** Makes the options. */
    public CreateOptions build() {
      return new CreateOptions(this);
    }
  }
}
