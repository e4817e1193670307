package io.layerstore.core.image.archive;

import io.layerstore.InvalidImageException;
import io.layerstore.core.json.GoStruct;
import java.util.Set;

/** The media types of images, of the OCI and of Docker, which mean the same documents. */
public final class MediaTypes {

  static final String INDEX = "application/vnd.oci.image.index.v1+json";
  static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";
  static final String CONFIG = "application/vnd.oci.image.config.v1+json";
  static final String LAYER = "application/vnd.oci.image.layer.v1.tar";
  static final String DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
  static final String DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
  static final String DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
  static final String DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";

  private static final Set<String> INDEXES = Set.of(INDEX, DOCKER_INDEX);
  private static final Set<String> MANIFESTS = Set.of(MANIFEST, DOCKER_MANIFEST);
  private static final Set<String> CONFIGS = Set.of(CONFIG, DOCKER_CONFIG);

  /**
   * What a registry, a mirror or a proxy that knows no types says of a document; dockerd pulls
   * images whose configurations have these.
   */
  private static final Set<String> UNSPECIFIC =
      Set.of("", "application/octet-stream", "application/json", "text/html");

  private static final Set<String> LAYERS =
      Set.of(
          LAYER,
          LAYER + "+gzip",
          LAYER + "+zstd",
          "application/vnd.oci.image.layer.nondistributable.v1.tar",
          "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
          "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
          DOCKER_LAYER,
          DOCKER_LAYER + ".gzip",
          DOCKER_LAYER + ".zstd",
          "application/vnd.docker.image.rootfs.foreign.diff.tar",
          "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");

  private MediaTypes() {}

  /** Whether it is an index. */
  public static boolean isIndex(String mediaType) {
    return INDEXES.contains(mediaType);
  }

  /** Whether it is the manifest of one image. */
  public static boolean isManifest(String mediaType) {
    return MANIFESTS.contains(mediaType);
  }

  /** Whether it is Docker's name of a manifest or an index. */
  static boolean isDocker(String mediaType) {
    return mediaType.equals(DOCKER_INDEX) || mediaType.equals(DOCKER_MANIFEST);
  }

  /**
   * What a manifest or index is: what it says, or what it looks like.
   *
   * @throws InvalidImageException if it is neither
   */
  public static String ofDocument(byte[] bytes) throws InvalidImageException {
    GoStruct document = GoStruct.strict("the document", bytes);
    String said = document.text("mediaType");
    if (isIndex(said) || isManifest(said)) {
      return said;
    }
    if (document.has("manifests") == document.has("config")) {
      throw document.invalid("it is neither a manifest nor an index");
    }
    return document.has("manifests") ? INDEX : MANIFEST;
  }

  static boolean isConfig(String mediaType) {
    return CONFIGS.contains(mediaType);
  }

  /** Whether the type says nothing of the document, which is then told by its content. */
  static boolean isUnspecific(String mediaType) {
    return UNSPECIFIC.contains(mediaType);
  }

  /** Whether it is a layer whatever its content; of any other type it may be one still. */
  static boolean isLayer(String mediaType) {
    return LAYERS.contains(mediaType);
  }
}
