package io.layerstore;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How to show an image or layer as a {@link java.nio.file.FileSystem}. Immutable; made with {@link
 * #builder}.
 */
public final class ViewOptions {

  /** All layers merged, verified; spooled to the JVM's temporary directory if need be. */
  public static final ViewOptions DEFAULT = builder().build();

  private final boolean onlyThisLayer;
  private final boolean verify;
  private final @Nullable Path temporaryDirectory;
  private final @Nullable String image;
  private final @Nullable Platform platform;
  private final Limits limits;

  private ViewOptions(Builder builder) {
    onlyThisLayer = builder.onlyThisLayer;
    verify = builder.verify;
    temporaryDirectory = builder.temporaryDirectory;
    image = builder.image;
    platform = builder.platform;
    limits = builder.limits;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Whether only the top layer is shown, with its whiteouts, not merged with those below. */
  public boolean onlyThisLayer() {
    return onlyThisLayer;
  }

  /** Whether what is read is compared with its recorded checksum. */
  public boolean verify() {
    return verify;
  }

  /** Where compressed layers of an archive are spooled; empty for the JVM's temporary directory. */
  public Optional<Path> temporaryDirectory() {
    return Optional.ofNullable(temporaryDirectory);
  }

  /** Which image of an archive; empty if it has one. */
  public Optional<String> image() {
    return Optional.ofNullable(image);
  }

  /** The platform of the image, where an archive has several; empty for that of this machine. */
  public Optional<Platform> platform() {
    return Optional.ofNullable(platform);
  }

  /** What an archive may ask for. */
  public Limits limits() {
    return limits;
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.onlyThisLayer = onlyThisLayer;
    builder.verify = verify;
    builder.temporaryDirectory = temporaryDirectory;
    builder.image = image;
    builder.platform = platform;
    builder.limits = limits;
    return builder;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private boolean onlyThisLayer;
    private boolean verify = true;
    private @Nullable Path temporaryDirectory;
    private @Nullable String image;
    private @Nullable Platform platform;
    private Limits limits = Limits.DEFAULT;

    private Builder() {}

    /**
     * Sets whether only the top layer is shown: what its archive has and nothing else. A whiteout
     * is then an entry of its own, {@link LayerEntryAttributes#isWhiteout}.
     */
    public Builder onlyThisLayer(boolean onlyThisLayer) {
      this.onlyThisLayer = onlyThisLayer;
      return this;
    }

    /**
     * Sets whether contents are verified; true at first. A file of a store is verified when it is
     * read from beginning to end, the layers of an archive when it is opened, which reads all of
     * it.
     */
    public Builder verify(boolean verify) {
      this.verify = verify;
      return this;
    }

    /**
     * Sets the directory in which compressed layers of an archive are spooled, uncompressed, with
     * at most {@link Limits#maxUnpackedBytes} each. It is made if it is missing. Spooled files are
     * deleted when the file system is closed.
     */
    public Builder temporaryDirectory(@Nullable Path temporaryDirectory) {
      this.temporaryDirectory = temporaryDirectory;
      return this;
    }

    /** Sets which image of an archive is shown: a reference, or the beginning of an id. */
    public Builder image(@Nullable String image) {
      this.image = image;
      return this;
    }

    /** Sets the platform of the image, if an archive has it for several. */
    public Builder platform(@Nullable Platform platform) {
      this.platform = platform;
      return this;
    }

    /** Sets what an archive may ask for; {@link Limits#DEFAULT} unless set. */
    public Builder limits(Limits limits) {
      this.limits = Objects.requireNonNull(limits, "limits");
      return this;
    }

    /** Makes the options. */
    public ViewOptions build() {
      return new ViewOptions(this);
    }
  }
}
