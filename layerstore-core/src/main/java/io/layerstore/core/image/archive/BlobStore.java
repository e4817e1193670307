package io.layerstore.core.image.archive;

import io.layerstore.Digest;
import java.io.IOException;

/** Where an archive or a registry has the blobs that descriptors name. */
interface BlobStore {

  /** The path of a blob. */
  String path(BlobDescriptor blob) throws IOException;

  /** The path of a manifest that an index names. */
  String manifestPath(BlobDescriptor manifest) throws IOException;

  /** An OCI layout: all in one place. */
  BlobStore LAYOUT =
      new BlobStore() {
        @Override
        public String path(BlobDescriptor blob) {
          return "blobs/" + blob.digest().algorithm().id() + "/" + blob.digest().hex();
        }

        @Override
        public String manifestPath(BlobDescriptor manifest) {
          return path(manifest);
        }
      };

  /**
   * What skopeo calls {@code dir:}. Blobs lie in the root under their digits; other algorithms than
   * SHA-256 may stand before them.
   */
  BlobStore DIRECTORY =
      new BlobStore() {
        @Override
        public String path(BlobDescriptor blob) {
          Digest digest = blob.digest();
          return digest.algorithm() == Digest.Algorithm.SHA256
              ? digest.hex()
              : digest.algorithm().id() + "-" + digest.hex();
        }

        @Override
        public String manifestPath(BlobDescriptor manifest) {
          return path(manifest) + ".manifest.json";
        }
      };
}
