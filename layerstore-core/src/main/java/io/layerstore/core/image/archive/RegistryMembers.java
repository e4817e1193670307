package io.layerstore.core.image.archive;

import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.RegistryException;
import io.layerstore.spi.RegistryRepository;
import java.io.IOException;
import java.io.InputStream;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A repository of a registry, looked at as the members of an archive.
 *
 * <pre>
 * manifests/ALGORITHM/HEX   manifests and indexes, each fetched once
 * blobs/ALGORITHM/HEX       configurations and layers that a document has named
 * </pre>
 *
 * <p>Not safe for use by several threads.
 */
final class RegistryMembers extends Members implements BlobStore {

  private final ImageReference reference;
  private final RegistryRepository repository;
  private final Map<String, Descriptor> named = new HashMap<>();
  private final Map<String, Blob> documents = new HashMap<>();

  /**
   * @param reference what is pulled
   */
  RegistryMembers(ImageReference reference, RegistryRepository repository) {
    this.reference = reference;
    this.repository = repository;
  }

  /** Adds a manifest or an index that was fetched by its tag. */
  void add(BlobDescriptor manifest, byte[] bytes) {
    documents.put(manifestPath(manifest), Blob.of(bytes));
  }

  @Override
  public String path(BlobDescriptor blob) throws IOException {
    String path = LAYOUT.path(blob);
    named.put(path, blob.toDescriptor());
    return path;
  }

  @Override
  public String manifestPath(BlobDescriptor manifest) {
    return "manifests/" + manifest.digest().algorithm().id() + "/" + manifest.digest().hex();
  }

  @Override
  @Nullable Node node(List<String> path) throws IOException {
    if (path.size() < 3) {
      return new Directory();
    }
    String name = String.join("/", path);
    Descriptor blob = named.get(name);
    if (blob != null) {
      return new File(new RemoteBlob(blob));
    }
    if (!path.get(0).equals("manifests")) {
      return null;
    }
    Blob document = documents.get(name);
    if (document == null) {
      Digest digest = Digest.parse(path.get(1) + ":" + path.get(2));
      document = Blob.of(repository.manifest(reference.withDigest(digest)).bytes());
      documents.put(name, document);
    }
    return new File(document);
  }

  @Override
  Collection<String> rootNames() {
    return List.of("blobs", "manifests");
  }

  @Override
  public void close() {}

  static Digest digest(Digest.Algorithm algorithm, byte[] hash) {
    return new Digest(algorithm, HexFormat.of().formatHex(hash));
  }

  /** That a blob is not what its digest says. */
  static RegistryException wrongDigest(ImageReference reference, Digest expected, Digest actual) {
    return new RegistryException(
        RegistryException.Kind.WRONG_DIGEST,
        reference.domain(),
        reference.toString(),
        "the blob "
            + expected
            + " of "
            + reference
            + " has the digest "
            + actual
            + "; the registry is damaged, or something on the way to it",
        null);
  }

  /** A blob that is fetched when it is opened. A document is checked before any of it is given. */
  private final class RemoteBlob implements Blob {
    private final Descriptor blob;

    RemoteBlob(Descriptor blob) {
      this.blob = blob;
    }

    @Override
    public long sizeBytes() {
      return blob.sizeBytes();
    }

    @Override
    public InputStream open() throws IOException {
      InputStream in = repository.blob(blob, 0);
      if (blob.sizeBytes() > Contents.MAX_DOCUMENT_BYTES) {
        return in;
      }
      byte[] bytes;
      try (in) {
        bytes = in.readNBytes(Contents.MAX_DOCUMENT_BYTES);
      }
      Digest.Algorithm algorithm = blob.digest().algorithm();
      Digest actual = digest(algorithm, algorithm.newMessageDigest().digest(bytes));
      if (!actual.equals(blob.digest())) {
        throw wrongDigest(reference, blob.digest(), actual);
      }
      return Blob.of(bytes).open();
    }
  }
}
