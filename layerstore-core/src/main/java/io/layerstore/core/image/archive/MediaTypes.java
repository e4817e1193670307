package io.layerstore.core.image.archive;

import java.util.Set;

/** The media types of images, of the OCI and of Docker, which mean the same documents. */
final class MediaTypes {

  private static final Set<String> INDEXES =
      Set.of(
          "application/vnd.oci.image.index.v1+json",
          "application/vnd.docker.distribution.manifest.list.v2+json");
  private static final Set<String> MANIFESTS =
      Set.of(
          "application/vnd.oci.image.manifest.v1+json",
          "application/vnd.docker.distribution.manifest.v2+json");
  private static final Set<String> CONFIGS =
      Set.of(
          "application/vnd.oci.image.config.v1+json",
          "application/vnd.docker.container.image.v1+json");

  /**
   * What a registry, a mirror or a proxy that knows no types says of a document; dockerd pulls
   * images whose configurations have these.
   */
  private static final Set<String> UNSPECIFIC =
      Set.of("", "application/octet-stream", "application/json", "text/html");

  private static final Set<String> LAYERS =
      Set.of(
          "application/vnd.oci.image.layer.v1.tar",
          "application/vnd.oci.image.layer.v1.tar+gzip",
          "application/vnd.oci.image.layer.v1.tar+zstd",
          "application/vnd.oci.image.layer.nondistributable.v1.tar",
          "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
          "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
          "application/vnd.docker.image.rootfs.diff.tar",
          "application/vnd.docker.image.rootfs.diff.tar.gzip",
          "application/vnd.docker.image.rootfs.diff.tar.zstd",
          "application/vnd.docker.image.rootfs.foreign.diff.tar",
          "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");

  private MediaTypes() {}

  static boolean isIndex(String mediaType) {
    return INDEXES.contains(mediaType);
  }

  static boolean isManifest(String mediaType) {
    return MANIFESTS.contains(mediaType);
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
