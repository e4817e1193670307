package io.layerstore;

import java.util.List;

/**
 * An image in a registry, of which only the documents have been fetched.
 *
 * @param reference what was asked for
 * @param manifest what it names: a manifest, or an index of several
 * @param bytes the bytes of that document
 * @param variants the image, or those of an index for several platforms
 */
public record RemoteImage(
    ImageReference reference, Descriptor manifest, ByteString bytes, List<Variant> variants) {

  /** Copies the list. */
  public RemoteImage {
    variants = List.copyOf(variants);
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
