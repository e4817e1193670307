package io.layerstore.core.image.archive;

import io.layerstore.ByteString;
import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageConfig;
import io.layerstore.ImageManifest;
import io.layerstore.ImageReference;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.Platform;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.image.config.ImageConfigReader;
import io.layerstore.core.json.GoStruct;
import io.layerstore.core.json.JsonSyntaxException;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.tar.TarReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads manifests, and tells images from all the other things that are kept as manifests beside
 * them.
 *
 * <p>An image has a configuration of a known type, or one that reads like it and whose type says
 * nothing, and layers that are of a known type or are tars, compressed or not, whatever their type
 * is called. A signature has such a configuration, too, and is told by its layers.
 */
final class ManifestReader {

  private final Members members;
  private final BlobStore blobs;
  private final Limits limits;
  private final boolean isComplete;

  /**
   * @param isComplete whether all members are known: one that is not there does not come any more
   */
  ManifestReader(Members members, BlobStore blobs, Limits limits, boolean isComplete) {
    this.members = members;
    this.blobs = blobs;
    this.limits = limits;
    this.isComplete = isComplete;
  }

  /**
   * The image that the manifest {@code descriptor} describes, without names.
   *
   * @throws NotAnImageException if it describes something else
   */
  ArchivedImage image(BlobDescriptor descriptor) throws IOException {
    String name = name(descriptor);
    byte[] document = document(descriptor);
    return image(name, manifest(name, document))
        .withManifests(List.of(kept(descriptor.digest(), document)));
  }

  /** A document to be kept. */
  static ImageManifest kept(Digest digest, byte[] document) throws InvalidImageException {
    return new ImageManifest(
        Descriptor.of(MediaTypes.ofDocument(document), document.length, digest),
        ByteString.of(document));
  }

  /** The image of a manifest, which is not kept. */
  ArchivedImage image(String name, GoStruct manifest) throws IOException {
    byte[] config = config(name, manifest);
    List<ArchivedLayer.Place> layers = new ArrayList<>();
    for (GoStruct json : manifest.structs("layers")) {
      BlobDescriptor layer = BlobDescriptor.of(json);
      String path = blobs.path(layer);
      if (!MediaTypes.isLayer(layer.mediaType()) && !isLayer(path)) {
        throw new NotAnImageException(
            name
                + " is of no image: "
                + layer.digest()
                + " in it is of the type "
                + ArchiveText.quoted(layer.mediaType())
                + " and no layer");
      }
      layers.add(new ArchivedLayer.Place(path, layer));
    }
    return ArchivedImage.of(config, layers, List.<ImageReference>of(), null);
  }

  /**
   * The platform of the image that the manifest {@code descriptor} describes, as its configuration
   * says.
   *
   * @throws NotAnImageException if it describes something else, as far as that shows
   */
  Platform platform(BlobDescriptor descriptor) throws IOException {
    ImageConfig config =
        ImageConfigReader.read(
            config(name(descriptor), manifest(name(descriptor), document(descriptor))));
    return PlatformChoice.of(config);
  }

  private static String name(BlobDescriptor descriptor) {
    return "the manifest " + descriptor.digest();
  }

  private static GoStruct manifest(String name, byte[] document) throws IOException {
    GoStruct manifest = GoStruct.strict(name, document);
    requireManifest(name, manifest);
    return manifest;
  }

  private byte[] document(BlobDescriptor descriptor) throws IOException {
    String mediaType = descriptor.mediaType();
    if (!MediaTypes.isManifest(mediaType) && !mayBeDocument(descriptor)) {
      throw noImage(descriptor);
    }
    byte[] document =
        descriptor.document(members, blobs.manifestPath(descriptor), Contents.MAX_DOCUMENT_BYTES);
    if (!MediaTypes.isManifest(mediaType) && !isObject(document)) {
      throw noImage(descriptor);
    }
    return document;
  }

  private static NotAnImageException noImage(BlobDescriptor descriptor) {
    return new NotAnImageException(
        descriptor.digest() + " is no image but " + ArchiveText.quoted(descriptor.mediaType()));
  }

  /**
   * Checks that a document is a manifest and nothing besides, also by what it says itself; which of
   * the types of manifests that is does not matter.
   */
  static void requireManifest(String name, GoStruct manifest) throws InvalidImageException {
    String mediaType = manifest.text("mediaType");
    if (manifest.has("manifests") || MediaTypes.isIndex(mediaType)) {
      throw manifest.invalid("it is an index and a manifest at once");
    }
    if (!mediaType.isEmpty() && !MediaTypes.isManifest(mediaType)) {
      throw new NotAnImageException(name + " is of no image but " + ArchiveText.quoted(mediaType));
    }
    if (manifest.integer("schemaVersion", 2) != 2) {
      throw manifest.invalid("its schema version is not 2");
    }
  }

  private byte[] config(String name, GoStruct manifest) throws IOException {
    GoStruct json = manifest.struct("config");
    if (json == null) {
      throw new NotAnImageException(name + " is of no image: it has no configuration");
    }
    BlobDescriptor descriptor = BlobDescriptor.of(json);
    String mediaType = descriptor.mediaType();
    if (MediaTypes.isConfig(mediaType) || mayBeDocument(descriptor)) {
      byte[] config =
          descriptor.document(members, blobs.path(descriptor), Contents.MAX_DOCUMENT_BYTES);
      if (MediaTypes.isConfig(mediaType)) {
        if (ImageConfigReader.isOther(config)) {
          throw new NotAnImageException(
              name + " is of no image: its configuration has no root file system");
        }
        return config;
      }
      if (isConfig(config)) {
        return config;
      }
    }
    throw new NotAnImageException(name + " is of no image but of " + ArchiveText.quoted(mediaType));
  }

  /** Whether the content of a blob is worth a look, where its type says nothing. */
  private static boolean mayBeDocument(BlobDescriptor descriptor) {
    return MediaTypes.isUnspecific(descriptor.mediaType())
        && descriptor.sizeBytes() <= Contents.MAX_DOCUMENT_BYTES;
  }

  private static boolean isObject(byte[] document) {
    try {
      return JsonValue.parse(document) instanceof JsonValue.Obj;
    } catch (JsonSyntaxException e) {
      return false;
    }
  }

  /** Whether a document is a configuration, which alone has the layers of a root file system. */
  private static boolean isConfig(byte[] document) {
    try {
      GoStruct rootFs = GoStruct.strict("the configuration", document).struct("rootfs");
      return rootFs != null && rootFs.has("diff_ids");
    } catch (InvalidImageException e) {
      return false;
    }
  }

  /** Whether a blob begins as a tar does, under whatever compression. */
  private boolean isLayer(String path) throws IOException {
    Blob blob = members.find(path);
    if (blob == null) {
      if (isComplete) {
        return false;
      }
      throw new MissingMemberException(path);
    }
    if (blob.sizeBytes() == 0) {
      return false;
    }
    try (InputStream in = blob.open();
        DecompressedStream plain = Decompression.openArchive(in, limits)) {
      new TarReader(plain, limits, TarReader.RawBytes.NONE).next();
      return true;
    } catch (LayerStoreException e) {
      return false;
    }
  }
}
