package io.layerstore.core.image.archive;

import io.layerstore.Platform;
import io.layerstore.image.ImageReference;
import io.layerstore.image.InvalidImageException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An OCI image layout.
 *
 * <pre>
 * oci-layout          {"imageLayoutVersion":"1.0.0"}
 * index.json          {"schemaVersion":2,"manifests":[descriptor,...]}
 * blobs/&lt;alg>/&lt;hex>  indexes, manifests {"config":descriptor,"layers":[descriptor,...]}, configurations, layers
 * </pre>
 *
 * <p>What {@code index.json} lists under the same names, or all without, is one choice if all of it
 * says for which platform it is; everything else in it is an image of its own. An index below it is
 * always a choice. Names are the annotations {@code io.containerd.image.name} and {@code
 * org.opencontainers.image.ref.name}. The digest and size of every document are checked before it
 * is looked at. Docker's media types for the same documents are taken as well.
 *
 * @see <a href="https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md">OCI image
 *     layout</a>
 */
final class OciLayout {

  private static final String CONTAINERD_NAME = "io.containerd.image.name";
  private static final String REF_NAME = "org.opencontainers.image.ref.name";
  private static final String REFERENCE_TYPE = "vnd.docker.reference.type";

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

  /** Indexes in indexes: nobody has more than two. */
  private static final int MAX_NESTING = 8;

  /** How many documents an archive may refer to, directly and through indexes. */
  private static final int MAX_DOCUMENTS = 10_000;

  private final Members members;
  private final @Nullable Platform asked;
  private final Contents.Builder contents = new Contents.Builder();
  private int documents;

  /**
   * @param asked the platform to take where there is a choice; null for the one of this machine
   */
  OciLayout(Members members, @Nullable Platform asked) {
    this.members = members;
    this.asked = asked;
  }

  Contents read() throws IOException {
    checkVersion();
    JsonObject index =
        JsonObject.of(Contents.INDEX, members.document(Contents.INDEX, Contents.MAX_LIST_BYTES));
    requireIndex(index, "");
    Map<List<String>, List<BlobDescriptor>> byName = new LinkedHashMap<>();
    for (BlobDescriptor entry : entries(index)) {
      byName.computeIfAbsent(names(entry), n -> new ArrayList<>()).add(entry);
    }
    if (byName.isEmpty()) {
      throw index.invalid("it lists no image");
    }
    for (List<BlobDescriptor> entries : byName.values()) {
      if (entries.stream().allMatch(entry -> entry.platform() != null)) {
        add(entries);
      } else {
        for (BlobDescriptor entry : entries) {
          add(List.of(entry));
        }
      }
    }
    return contents.build();
  }

  private void checkVersion() throws IOException {
    if (!members.has(Contents.LAYOUT)) {
      return; // in a stream it may come later, and it says nothing that is needed
    }
    JsonObject layout =
        JsonObject.of(
            Contents.LAYOUT, members.document(Contents.LAYOUT, Contents.MAX_DOCUMENT_BYTES));
    String version = layout.text("imageLayoutVersion");
    if (!version.startsWith("1.")) {
      throw layout.invalid(
          "the version " + Failures.quoted(version) + " of the layout is not known");
    }
  }

  private static List<String> names(BlobDescriptor entry) {
    return Stream.of(CONTAINERD_NAME, REF_NAME)
        .map(key -> entry.annotations().getOrDefault(key, ""))
        .toList();
  }

  private List<BlobDescriptor> entries(JsonObject index) throws InvalidImageException {
    List<BlobDescriptor> entries = new ArrayList<>();
    for (JsonObject entry : index.objects("manifests")) {
      entries.add(BlobDescriptor.of(entry));
      if (++documents > MAX_DOCUMENTS) {
        throw index.invalid("it refers to more than " + MAX_DOCUMENTS + " documents");
      }
    }
    return entries;
  }

  /** Adds the image that {@code choice} offers for the platform. */
  private void add(List<BlobDescriptor> choice) throws IOException {
    BlobDescriptor entry = choice.size() == 1 ? choice.get(0) : pick(choice);
    BlobDescriptor manifest = INDEXES.contains(entry.mediaType()) ? descend(entry, 1) : entry;
    if (!MANIFESTS.contains(manifest.mediaType())) {
      contents.note(
          "the archive has something that is no image, of type "
              + Failures.quoted(manifest.mediaType())
              + "; it was left out");
      return;
    }
    ArchivedImage image = image(manifest, references(entry));
    if (image != null) {
      contents.add(image);
    }
  }

  private BlobDescriptor descend(BlobDescriptor index, int nesting) throws IOException {
    if (nesting > MAX_NESTING) {
      throw new InvalidImageException("the archive has indexes nested deeper than " + MAX_NESTING);
    }
    String name = "the index " + index.digest();
    JsonObject json = JsonObject.of(name, index.document(members, Contents.MAX_DOCUMENT_BYTES));
    requireIndex(json, index.mediaType());
    BlobDescriptor picked = pick(entries(json));
    return INDEXES.contains(picked.mediaType()) ? descend(picked, nesting + 1) : picked;
  }

  private BlobDescriptor pick(List<BlobDescriptor> choice) throws InvalidImageException {
    List<BlobDescriptor> images = new ArrayList<>();
    for (BlobDescriptor entry : choice) {
      boolean isAttestation = entry.annotations().containsKey(REFERENCE_TYPE);
      if (!isAttestation
          && (INDEXES.contains(entry.mediaType()) || MANIFESTS.contains(entry.mediaType()))) {
        images.add(entry);
      }
    }
    return PlatformChoice.pick(images, asked);
  }

  private static void requireIndex(JsonObject json, String mediaType) throws InvalidImageException {
    requireMediaType(json, mediaType);
    if (json.has("config") || json.has("layers")) {
      throw json.invalid("it is an index and a manifest at once");
    }
    if (!json.has("manifests")) {
      throw json.invalid("it has no list of manifests");
    }
  }

  /** A document says itself what it is, or leaves it to the descriptor; both must agree. */
  private static void requireMediaType(JsonObject json, String expected)
      throws InvalidImageException {
    String actual = json.text("mediaType");
    if (!actual.isEmpty() && !expected.isEmpty() && !actual.equals(expected)) {
      throw json.invalid(
          "it says to be "
              + Failures.quoted(actual)
              + " and is referred to as "
              + Failures.quoted(expected));
    }
    if (json.number("schemaVersion", 2) != 2) {
      throw json.invalid("its schema version is not 2");
    }
  }

  private @Nullable ArchivedImage image(BlobDescriptor descriptor, List<ImageReference> references)
      throws IOException {
    String name = "the manifest " + descriptor.digest();
    JsonObject manifest =
        JsonObject.of(name, descriptor.document(members, Contents.MAX_DOCUMENT_BYTES));
    requireMediaType(manifest, descriptor.mediaType());
    if (manifest.has("manifests")) {
      throw manifest.invalid("it is an index and a manifest at once");
    }
    JsonObject configJson = manifest.object("config");
    if (configJson == null) {
      throw manifest.invalid("it has no config");
    }
    BlobDescriptor config = BlobDescriptor.of(configJson);
    if (!CONFIGS.contains(config.mediaType())) {
      contents.note(
          name
              + " is of no image but of "
              + Failures.quoted(config.mediaType())
              + "; it was left out");
      return null;
    }
    List<ArchivedLayer.Place> layers = new ArrayList<>();
    for (JsonObject json : manifest.objects("layers")) {
      BlobDescriptor layer = BlobDescriptor.of(json);
      if (!LAYERS.contains(layer.mediaType())) {
        throw manifest.invalid(
            "its layer "
                + layer.digest()
                + " is of the unknown type "
                + Failures.quoted(layer.mediaType()));
      }
      layers.add(new ArchivedLayer.Place(layer.path(), layer));
    }
    return ArchivedImage.of(
        config.document(members, Contents.MAX_DOCUMENT_BYTES), layers, references, null);
  }

  /** The reference that a descriptor gives its image, if it gives one. */
  private List<ImageReference> references(BlobDescriptor entry) throws InvalidImageException {
    String full = entry.annotations().getOrDefault(CONTAINERD_NAME, "");
    if (!full.isEmpty()) {
      ImageReference reference;
      try {
        reference = ImageReference.parse(full);
      } catch (IllegalArgumentException e) {
        throw new InvalidImageException(
            "invalid tag " + Failures.quoted(full) + ": " + e.getMessage(), e);
      }
      if (reference.tag().isPresent()) {
        return List.of(reference);
      }
      contents.note(
          "the name " + Failures.quoted(full) + " has no tag; it was not given to the image");
      return List.of();
    }
    String name = entry.annotations().getOrDefault(REF_NAME, "");
    if (name.isEmpty()) {
      return List.of();
    }
    // Most writers put a bare tag here, which says nothing of a repository.
    if (name.indexOf('/') >= 0 || name.indexOf(':') >= 0) {
      try {
        ImageReference reference = ImageReference.parse(name);
        if (reference.tag().isPresent()) {
          return List.of(reference);
        }
      } catch (IllegalArgumentException e) {
        contents.note(
            "the name " + Failures.quoted(name) + " was not given to the image: " + e.getMessage());
        return List.of();
      }
    }
    contents.note(
        "the name "
            + Failures.quoted(name)
            + " is no repository with a tag; it was not given to the image");
    return List.of();
  }
}
