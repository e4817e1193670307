package io.layerstore.core.image.archive;

import io.layerstore.Digest;
import java.io.IOException;

/** Where an archive has the blobs that descriptors name. */
interface BlobStore {

  /** The path of a blob. */
  String path(Digest digest) throws IOException;

  /** The path of a manifest that an index names. */
  String manifestPath(Digest digest) throws IOException;

  /** An OCI layout: all in one place. */
  BlobStore LAYOUT =
      new BlobStore() {
        @Override
        public String path(Digest digest) {
          return "blobs/" + digest.algorithm().id() + "/" + digest.hex();
        }

        @Override
        public String manifestPath(Digest digest) {
          return path(digest);
        }
      };

  /**
   * What skopeo calls {@code dir:}. Blobs lie in the root under their digits; other algorithms than
   * SHA-256 may stand before them.
   */
  BlobStore DIRECTORY =
      new BlobStore() {
        @Override
        public String path(Digest digest) {
          return digest.algorithm() == Digest.Algorithm.SHA256
              ? digest.hex()
              : digest.algorithm().id() + "-" + digest.hex();
        }

        @Override
        public String manifestPath(Digest digest) {
          return path(digest) + ".manifest.json";
        }
      };
}
