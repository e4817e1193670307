package io.layerstore.core.image;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.ImageConfig;
import io.layerstore.ImageId;
import io.layerstore.Layer;
import java.lang.ref.SoftReference;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One image in the table: what is needed to find it and to count its layers.
 *
 * <p>Its configuration is kept as long as there is memory to spare, and read again when it is not.
 */
final class ImageNode {

  /**
   * A configuration.
   *
   * @param bytes as it is on disk
   * @param config what it says
   */
  record Content(ByteString bytes, ImageConfig config) {}

  private final ImageId id;
  private final @Nullable ChainId topLayer;
  private final @Nullable Instant created;
  private final @Nullable Layer hold;
  private volatile SoftReference<Content> content;

  /** Guarded by the lock of {@link ImageTable}. */
  private @Nullable ImageId parent;

  /**
   * @param hold the handle that keeps its top layer; null if it has no layers, or if the store only
   *     reads and nothing can be deleted
   */
  ImageNode(ImageId id, Content content, @Nullable Layer hold, @Nullable ImageId parent) {
    this(id, content, ChainId.of(content.config().diffIds()).orElse(null), hold, parent);
  }

  /** The same, where the chain ID of its layers is known already. */
  ImageNode(
      ImageId id,
      Content content,
      @Nullable ChainId topLayer,
      @Nullable Layer hold,
      @Nullable ImageId parent) {
    this.id = id;
    this.topLayer = topLayer;
    this.created = content.config().created().orElse(null);
    this.content = new SoftReference<>(content);
    this.hold = hold;
    this.parent = parent;
  }

  ImageId id() {
    return id;
  }

  @Nullable ChainId topLayer() {
    return topLayer;
  }

  @Nullable Instant created() {
    return created;
  }

  @Nullable Layer hold() {
    return hold;
  }

  /** Gives the hold on its top layer back. */
  void letGo() {
    if (hold != null) {
      hold.close();
    }
  }

  /** The configuration, or null if it must be read again. */
  @Nullable Content content() {
    return content.get();
  }

  void keep(Content read) {
    content = new SoftReference<>(read);
  }

  // What follows is called with the table's lock held.

  @Nullable ImageId parent() {
    return parent;
  }

  void setParent(@Nullable ImageId newParent) {
    parent = newParent;
  }
}
