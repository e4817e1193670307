package io.layerstore;

import java.nio.file.FileSystem;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An image as it is in the store at one moment. Not a handle: the image may be deleted at any time.
 *
 * <p>Immutable. Two are equal if their id, configuration and parent are, of whichever store they
 * are.
 */
public final class Image {

  private final ImageId id;
  private final ByteString configBytes;
  private final ImageConfig config;
  private final @Nullable ImageId parent;
  private final @Nullable ImageStore store;

  /** An image that is in no store, as a test may need it: it has no {@link #fileSystem}. */
  public Image(ImageId id, ByteString configBytes, ImageConfig config, Optional<ImageId> parent) {
    this(id, configBytes, config, parent.orElse(null), null);
  }

  private Image(
      ImageId id,
      ByteString configBytes,
      ImageConfig config,
      @Nullable ImageId parent,
      @Nullable ImageStore store) {
    this.id = Objects.requireNonNull(id, "id");
    this.configBytes = Objects.requireNonNull(configBytes, "configBytes");
    this.config = Objects.requireNonNull(config, "config");
    this.parent = parent;
    this.store = store;
  }

  /** The same image, in {@code images}: what a store gives out. */
  public Image in(ImageStore images) {
    return new Image(id, configBytes, config, parent, Objects.requireNonNull(images, "images"));
  }

  /** Its identity. */
  public ImageId id() {
    return id;
  }

  /** Its configuration, verbatim. */
  public ByteString configBytes() {
    return configBytes;
  }

  /** A typed view of the configuration. */
  public ImageConfig config() {
    return config;
  }

  /** The image it was committed or built from, where that is known. */
  public Optional<ImageId> parent() {
    return Optional.ofNullable(parent);
  }

  /** The chain ID of its top layer; empty for an image without layers. */
  public Optional<ChainId> topLayer() {
    return ChainId.of(config.diffIds());
  }

  /** Its files with {@link ViewOptions#DEFAULT}. */
  public FileSystem fileSystem() throws LayerStoreException {
    return fileSystem(ViewOptions.DEFAULT);
  }

  /**
   * Shows its files as a file system to read, as {@link ImageStore#fileSystem(String, ViewOptions)}
   * does.
   *
   * <pre>{@code
   * try (FileSystem files = image.fileSystem();
   *     Stream<Path> all = Files.walk(files.getPath("/"))) {
   *   all.filter(path -> path.toString().endsWith(".jar")).forEach(System.out::println);
   * }
   * }</pre>
   *
   * @return an open file system; it holds the layers until it is closed, at the latest by the store
   * @throws ImageNotFoundException if it is no longer in its store
   * @throws IllegalStateException if it was made by hand, or its store is closed
   */
  public FileSystem fileSystem(ViewOptions options) throws LayerStoreException {
    if (store == null) {
      throw new IllegalStateException(
          "image " + id + " does not come from a store; get it with ImageStore.get or resolve");
    }
    return store.fileSystem(id.toString(), options);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Image that
        && id.equals(that.id)
        && configBytes.equals(that.configBytes)
        && config.equals(that.config)
        && Objects.equals(parent, that.parent);
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }

  /** Its id, and what it was made from. */
  @Override
  public String toString() {
    return "Image[id=" + id + ", parent=" + parent() + "]";
  }
}
