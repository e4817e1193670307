package io.layerstore.core.image.archive;

import io.layerstore.ByteString;
import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageManifest;
import io.layerstore.ImageTarget;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStoreException;
import io.layerstore.RemoteImage;
import io.layerstore.core.image.archive.LayoutDocuments.Document;
import io.layerstore.core.json.GoStruct;
import io.layerstore.core.tar.PlainTarWriter;
import io.layerstore.core.work.Interrupts;
import io.layerstore.spi.RegistryProvider;
import io.layerstore.spi.RegistryRepository;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Instant;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Writes an image of a registry into an OCI layout, byte for byte: an index with all it lists. */
public final class RemoteSave extends LayoutWriter {

  private static final String OPERATION = "saving an image of a registry";
  private static final int MAX_DOCUMENTS = 10_000;

  private final RemoteImage image;
  private final RegistryRepository repository;

  /** The documents by path. */
  private final SortedMap<String, Document> documents = new TreeMap<>();

  /** Configurations, layers, and what else manifests name, by path. */
  private final SortedMap<String, Descriptor> blobs = new TreeMap<>();

  private RemoteSave(RemoteImage image, RegistryRepository repository) {
    this.image = image;
    this.repository = repository;
  }

  /** Does what {@link RemoteImage#save} says. */
  public static void save(RemoteImage image, ImageTarget target) throws LayerStoreException {
    try (RegistryRepository repository =
        RegistryProvider.find()
            .open(image.reference(), RegistryProvider.Access.PULL, image.registry())) {
      RemoteSave save = new RemoteSave(image, repository);
      save.add(new ImageManifest(image.manifest(), image.bytes()), 0);
      save.documents.putAll(LayoutDocuments.lists(image.manifest(), image.reference()));
      save.write(target);
    } catch (IOException e) {
      throw Interrupts.translate(OPERATION, e);
    }
  }

  private void add(ImageManifest document, int nesting) throws IOException {
    String path = checkedPath(document.descriptor().digest());
    if (documents.put(path, new Document(document.bytes(), Instant.EPOCH)) != null) {
      return;
    }
    if (nesting > PlatformVariants.MAX_NESTING || documents.size() > MAX_DOCUMENTS) {
      throw new InvalidImageException(image.reference() + " has too many documents in it");
    }
    GoStruct json =
        GoStruct.strict(
            "the document " + document.descriptor().digest(), document.bytes().toByteArray());
    for (GoStruct entry : json.structs("manifests")) {
      Digest digest = BlobDescriptor.of(entry).digest();
      RegistryRepository.Manifest next = repository.manifest(image.reference().withDigest(digest));
      add(new ImageManifest(next.descriptor(), ByteString.of(next.bytes())), nesting + 1);
    }
    GoStruct config = json.struct("config");
    if (config != null) {
      addBlob(BlobDescriptor.of(config));
    }
    for (GoStruct layer : json.structs("layers")) {
      addBlob(BlobDescriptor.of(layer));
    }
  }

  private void addBlob(BlobDescriptor blob) throws InvalidImageException {
    blobs.put(checkedPath(blob.digest()), blob.toDescriptor());
  }

  private String checkedPath(Digest digest) throws InvalidImageException {
    if (digest.algorithm() != Digest.Algorithm.SHA256) {
      throw new InvalidImageException(
          image.reference()
              + " has "
              + digest
              + " in it, and layouts are written with SHA-256 only");
    }
    return path(digest);
  }

  @Override
  void writeInto(LayoutDirectory out) throws IOException {
    for (Descriptor blob : blobs.values()) {
      if (!documents.containsKey(path(blob.digest()))) {
        try (LayoutDirectory.NewBlob file = out.newBlob()) {
          copy(blob, file.stream());
          file.commit(blob.digest().hex(), Instant.EPOCH);
        }
      }
    }
    for (Map.Entry<String, Document> document : documents.entrySet()) {
      out.write(document.getKey(), document.getValue());
    }
  }

  @Override
  void writeInto(PlainTarWriter tar) throws IOException {
    for (Map.Entry<String, Document> entry : documents.entrySet()) {
      Document document = entry.getValue();
      document.bytes().writeTo(tar.file(entry.getKey(), document.bytes().length(), Instant.EPOCH));
    }
    for (Map.Entry<String, Descriptor> blob : blobs.entrySet()) {
      if (!documents.containsKey(blob.getKey())) {
        copy(blob.getValue(), tar.file(blob.getKey(), blob.getValue().sizeBytes(), Instant.EPOCH));
      }
    }
  }

  /** Fetches a blob, which must be what its digest says. */
  private void copy(Descriptor blob, OutputStream out) throws IOException {
    DigestStream counted = new DigestStream(out);
    try (InputStream in = repository.blob(blob, 0)) {
      byte[] buffer = new byte[BUFFER_BYTES];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        Interrupts.check(OPERATION);
        counted.write(buffer, 0, count);
      }
    }
    Digest actual = counted.digest();
    if (!actual.equals(blob.digest())) {
      throw RegistryMembers.wrongDigest(image.reference(), blob.digest(), actual);
    }
  }
}
