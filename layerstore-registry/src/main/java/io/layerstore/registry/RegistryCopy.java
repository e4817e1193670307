package io.layerstore.registry;

import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import io.layerstore.RegistryException.Kind;
import io.layerstore.spi.RegistryProvider;
import io.layerstore.spi.RegistryRepository.Manifest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Copies an image from one repository to another, byte for byte: first what a document names, then
 * the document. Blobs that the target has, or can take from the same registry, are not fetched.
 */
final class RegistryCopy {

  private static final int MAX_NESTING = 8;
  private static final int BUFFER_BYTES = 64 << 10;

  private final HttpRepository source;
  private final HttpRepository target;
  private final ImageReference from;
  private final ImageReference to;
  private final RegistryProvider.Meter meter;
  private final Documents documents;
  private final Set<Digest> done = new HashSet<>();

  RegistryCopy(
      HttpRepository source,
      ImageReference from,
      HttpRepository target,
      ImageReference to,
      RegistryProvider.Meter meter) {
    this.source = source;
    this.target = target;
    this.from = from;
    this.to = to;
    this.meter = meter;
    this.documents = new Documents(source, from);
  }

  Digest run() throws LayerStoreException {
    Manifest manifest = source.manifest(from);
    copyContent(manifest, 0);
    target.put(to, manifest);
    return manifest.descriptor().digest();
  }

  private void copyContent(Manifest manifest, int nesting) throws LayerStoreException {
    Json json = documents.json(manifest);
    if (!Documents.isIndex(json)) {
      List<Descriptor> blobs = new ArrayList<>(documents.descriptors(json.get("layers")));
      if (json.get("config").isPresent()) {
        blobs.add(documents.descriptor(json.get("config")));
      }
      for (Descriptor blob : blobs) {
        copy(blob);
        meter.copied(blob, blob.sizeBytes());
      }
      return;
    }
    if (nesting == MAX_NESTING) {
      throw source
          .words("copying " + from)
          .exception(Kind.INVALID_RESPONSE, "indexes are nested deeper than " + nesting, null);
    }
    for (Descriptor entry : documents.descriptors(json.get("manifests"))) {
      Manifest child = source.manifest(from.withDigest(entry.digest()));
      copyContent(child, nesting + 1);
      target.put(to.withDigest(entry.digest()), child);
    }
  }

  private void copy(Descriptor blob) throws LayerStoreException {
    if (!done.add(blob.digest()) || target.blobSize(blob.digest()).isPresent()) {
      return;
    }
    String path = from.canonicalRepository().substring(from.domain().length() + 1);
    if (from.domain().equals(to.domain())
        && target.mount(blob.digest(), path)
        && target.blobSize(blob.digest()).isPresent()) {
      return;
    }
    try {
      Descriptor sent =
          target.upload(
              blob.mediaType(),
              out -> {
                try (InputStream in = source.blob(blob, 0)) {
                  copy(blob, in, out);
                }
              });
      if (!sent.digest().equals(blob.digest())) {
        throw source
            .words("copying " + from)
            .exception(
                Kind.WRONG_DIGEST,
                "the blob " + blob.digest() + " came with the digest " + sent.digest(),
                null);
      }
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw target.words("copying " + from).exception(Kind.UNREACHABLE, Attempts.describe(e), e);
    }
  }

  private void copy(Descriptor blob, InputStream in, OutputStream out) throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    long count = 0;
    for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
      out.write(buffer, 0, read);
      count += read;
      meter.copied(blob, count);
    }
  }
}
