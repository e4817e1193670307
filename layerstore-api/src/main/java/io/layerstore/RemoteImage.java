package io.layerstore;

import java.nio.file.FileSystem;
import java.util.List;

/**
 * An image in a registry, of which only the documents have been fetched. Its files can be read all
 * the same: {@link #fileSystem()}.
 *
 * @param reference what was asked for
 * @param manifest what it names: a manifest, or an index of several
 * @param bytes the bytes of that document
 * @param variants the image, or those of an index for several platforms
 * @param registry how to talk to the registry
 */
public record RemoteImage(
    ImageReference reference,
    Descriptor manifest,
    ByteString bytes,
    List<Variant> variants,
    RegistryOptions registry) {

  /** Copies the list. */
  public RemoteImage {
    variants = List.copyOf(variants);
  }

  /** The platforms that there are images for, as far as they are said. */
  public List<Platform> platforms() {
    return variants.stream().flatMap(variant -> variant.manifest().platform().stream()).toList();
  }

  /** The files of the image for this machine with {@link ViewOptions#DEFAULT}. */
  public FileSystem fileSystem() throws LayerStoreException {
    return fileSystem(ViewOptions.DEFAULT);
  }

  /**
   * Shows the image as a read-only file system whose layers are fetched when they are first needed;
   * see {@link Layer#fileSystem(ViewOptions)}.
   *
   * <p>Nothing is fetched now. Then the layers are, the highest first, and whole, for a compressed
   * layer cannot be read in parts:
   *
   * <ul>
   *   <li>a path, its attributes and its content: down to the layer that has or deletes it, or that
   *       ends a directory on the way to it; for a path that does not exist that can mean all
   *   <li>the entries of a directory: all, down to a layer that ends the directory (it is opaque
   *       there, or something else is in its place)
   *   <li>a layer with a hard link to a file of a layer below: that one, too
   *   <li>{@link LayerEntryAttributes#shadowed} and {@code FileStore.getTotalSpace}: all
   * </ul>
   *
   * <p>Each layer is fetched once, compared with its digest and with the configuration, and kept
   * uncompressed in the temporary directory that the options name, with at most {@link
   * Limits#maxUnpackedBytes}, until the file system is closed. A thread that needs a layer waits
   * for it. What fails is an {@link java.io.IOException}, a {@link RegistryException} if it is the
   * registry's fault; the next call that needs the layer goes on where it broke off. Closing ends
   * what is under way.
   *
   * @param options the platform among them; {@code image} has no meaning and must not be set, and
   *     {@code verify} makes no difference
   * @return an open file system
   * @throws InvalidImageException if there is no image for the platform, or it contradicts itself
   * @throws IllegalStateException if no implementation of the store is on the class path
   */
  public FileSystem fileSystem(ViewOptions options) throws LayerStoreException {
    return StoreOptions.provider().fileSystem(this, options);
  }

  /**
   * Writes the image into an OCI layout as it is in the registry, byte for byte and with the same
   * digests: an index with all platforms and whatever else it lists. Needs no store. To choose a
   * platform, or another format or compression, pull and save it.
   *
   * <p>Docker's manifests stay Docker's, in a layout as well; not all tools read them there.
   *
   * @throws RegistryException if the registry does not give it; its kind says why. Nothing remains
   *     of a file or directory; what a stream got is incomplete
   * @throws InvalidImageException if it has digests that are not SHA-256
   * @throws IllegalStateException if no implementation of the store is on the class path
   */
  public void save(ImageTarget target) throws LayerStoreException {
    StoreOptions.provider().save(this, target);
  }

  /**
   * An image for one platform.
   *
   * @param manifest its manifest, with its platform where that is known
   * @param config its configuration
   * @param configBytes the bytes of that
   * @param layers its layers as they are in the registry, bottom first
   */
  public record Variant(
      Descriptor manifest, Descriptor config, ByteString configBytes, List<Descriptor> layers) {

    /** Copies the list. */
    public Variant {
      layers = List.copyOf(layers);
    }

    /** How many bytes a pull fetches into an empty store. */
    public long sizeBytes() {
      return manifest.sizeBytes()
          + config.sizeBytes()
          + layers.stream().mapToLong(Descriptor::sizeBytes).sum();
    }
  }
}
