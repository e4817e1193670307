package io.layerstore.testing;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.ImageId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * An image in memory, for archives that a test puts together.
 *
 * @param config its configuration, verbatim
 * @param layers its layer archives, uncompressed, bottom first
 */
public record SampleImage(String config, List<byte[]> layers) {

  /** Copies the list. */
  public SampleImage {
    layers = List.copyOf(layers);
  }

  /** An image of Linux made of these layers. */
  public static SampleImage of(byte[]... layers) {
    return of("amd64", List.of(layers), "");
  }

  /**
   * An image of Linux made of these layers.
   *
   * @param more further members of the configuration, beginning with a comma
   */
  public static SampleImage of(String architecture, List<byte[]> layers, String more) {
    String diffIds =
        layers.stream()
            .map(layer -> "\"" + Digest.sha256Of(layer) + "\"")
            .collect(Collectors.joining(","));
    return new SampleImage(
        """
        {"architecture":"%s","os":"linux","rootfs":{"type":"layers","diff_ids":[%s]}%s}"""
            .formatted(architecture, diffIds, more),
        layers);
  }

  /** Several small layers, each with one file of its own, named after {@code name}. */
  public static SampleImage small(String name, int layers) {
    List<byte[]> archives = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      archives.add(layer(name + i, "content of " + name + i));
    }
    return of(archives.toArray(byte[][]::new));
  }

  /** A layer with one file. */
  public static byte[] layer(String file, String content) {
    return new TarBuilder().file(file, content).end().toBytes();
  }

  /** A layer with one file of {@code bytes} bytes that do not compress. */
  public static byte[] largeLayer(String file, int bytes, long seed) {
    byte[] content = new byte[bytes];
    new java.util.Random(seed).nextBytes(content);
    return new TarBuilder().file(TarHeaderBlock.named(file), content).end().toBytes();
  }

  /** The configuration's bytes. */
  public byte[] configBytes() {
    return config.getBytes(StandardCharsets.UTF_8);
  }

  /** Its identity. */
  public ImageId id() {
    return ImageId.of(configBytes());
  }

  /** The diff IDs of its layers. */
  public List<DiffId> diffIds() {
    return layers.stream().map(layer -> new DiffId(Digest.sha256Of(layer))).toList();
  }

  /** The chain IDs of its layers, bottom first. */
  public List<ChainId> chainIds() {
    List<ChainId> chainIds = new ArrayList<>();
    ChainId parent = null;
    for (DiffId diffId : diffIds()) {
      parent = ChainId.of(parent, diffId);
      chainIds.add(parent);
    }
    return chainIds;
  }
}
