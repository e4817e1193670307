package io.layerstore.core.image.archive;

import io.layerstore.ImageReference;
import io.layerstore.InvalidImageException;
import io.layerstore.Limits;
import io.layerstore.Platform;
import io.layerstore.core.json.GoStruct;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An OCI image layout, or what skopeo writes as {@code dir:}.
 *
 * <pre>
 * oci-layout          {"imageLayoutVersion":"1.0.0"}
 * index.json          {"schemaVersion":2,"manifests":[descriptor,...]}
 * blobs/&lt;alg>/&lt;hex>  indexes, manifests {"config":descriptor,"layers":[descriptor,...]}, configurations, layers
 *
 * manifest.json       dir: a manifest, or an index
 * &lt;hex>               dir: configurations, layers
 * &lt;hex>.manifest.json dir: the manifests of an index
 * </pre>
 *
 * <p>What {@code index.json} lists under the same names, or all without, for several platforms is a
 * choice between these platforms; those for one platform are images of their own, and so is
 * everything that does not say for which it is. An index below it is a choice of one image. What is
 * not taken is noted. The digest and size of every document are checked before it is looked at.
 * Docker's media types for the same documents are taken as well.
 *
 * @see <a href="https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md">OCI image
 *     layout</a>
 */
final class OciLayout {

  private static final String REFERENCE_TYPE = "vnd.docker.reference.type";
  private static final String UNKNOWN = "unknown";

  /** Indexes in indexes: nobody has more than two. */
  private static final int MAX_NESTING = 8;

  /** How many documents an archive may refer to, directly and through indexes. */
  private static final int MAX_DOCUMENTS = 10_000;

  private final Members members;
  private final BlobStore blobs;
  private final ManifestReader manifests;
  private final Platform wanted;
  private final boolean isAsked;
  private final boolean isComplete;
  private final Contents.Builder contents;
  private final LayoutNames names;
  private int documents;

  /**
   * @param asked the platform to take where there is a choice; null for the one of this machine
   * @param isComplete whether all members are known: one that is not there does not come any more
   */
  OciLayout(
      Members members,
      BlobStore blobs,
      @Nullable Platform asked,
      Limits limits,
      boolean isComplete) {
    this.members = members;
    this.blobs = blobs;
    this.manifests = new ManifestReader(members, blobs, limits, isComplete);
    this.wanted = PlatformChoice.wanted(asked);
    this.isAsked = asked != null;
    this.isComplete = isComplete;
    this.contents = new Contents.Builder(asked);
    this.names = new LayoutNames(contents);
  }

  /** What the layout with this {@code index.json} has. */
  Contents read() throws IOException {
    checkVersion();
    GoStruct index =
        GoStruct.strict(Contents.INDEX, members.document(Contents.INDEX, Contents.MAX_LIST_BYTES));
    requireIndex(index);
    List<BlobDescriptor> entries = entries(index);
    if (entries.isEmpty()) {
      throw index.invalid("it lists no image");
    }
    addAll(entries);
    return contents.build();
  }

  /** What the {@code dir:} of skopeo with this {@code manifest.json} has. */
  Contents readDirectory(GoStruct document) throws IOException {
    try {
      if (document.has("manifests")) {
        requireIndex(document);
        BlobDescriptor manifest = pick("the directory", entries(document), 1);
        contents.addChosen(manifests.image(manifest));
      } else {
        ManifestReader.requireManifest(Contents.MANIFEST, document);
        contents.add(manifests.image(Contents.MANIFEST, document));
      }
    } catch (NotAnImageException e) {
      contents.leaveOut(e);
    }
    return contents.build();
  }

  /** The one image that a document of a registry is, or has for the platform. */
  Contents read(BlobDescriptor document, List<ImageReference> references) throws IOException {
    try {
      if (MediaTypes.isIndex(document.mediaType())) {
        contents.addChosen(manifests.image(descend(document, 1)).withReferences(references));
      } else {
        contents.add(manifests.image(document).withReferences(references));
      }
    } catch (NotAnImageException e) {
      contents.leaveOut(e);
    }
    return contents.build();
  }

  /**
   * All images of a document of a registry: the one for the platform with {@code references}, each
   * with the digest of its manifest.
   */
  Contents readAll(
      BlobDescriptor document, List<ImageReference> references, ImageReference repository)
      throws IOException {
    Contents chosen = read(document, references);
    if (MediaTypes.isIndex(document.mediaType())) {
      addAllBelow(document, repository, 1);
      return contents.build();
    }
    return chosen;
  }

  private void addAllBelow(BlobDescriptor index, ImageReference repository, int nesting)
      throws IOException {
    for (BlobDescriptor entry : entries(index(index, nesting))) {
      if (isAttestation(entry)) {
        continue;
      }
      if (MediaTypes.isIndex(entry.mediaType())) {
        addAllBelow(entry, repository, nesting + 1);
        continue;
      }
      try {
        contents.addChosen(
            manifests.image(entry).withReferences(List.of(repository.withDigest(entry.digest()))));
      } catch (NotAnImageException e) {
        contents.leaveOut(e);
      }
    }
  }

  private void checkVersion() throws IOException {
    if (!members.has(Contents.LAYOUT)) {
      return; // in a stream it may come later, and it says nothing that is needed
    }
    GoStruct layout =
        GoStruct.strict(
            Contents.LAYOUT, members.document(Contents.LAYOUT, Contents.MAX_DOCUMENT_BYTES));
    String version = layout.text("imageLayoutVersion");
    if (!version.startsWith("1.")) {
      throw layout.invalid(
          "the version " + ArchiveText.quoted(version) + " of the layout is not known");
    }
  }

  private List<BlobDescriptor> entries(GoStruct index) throws InvalidImageException {
    List<BlobDescriptor> entries = new ArrayList<>();
    for (GoStruct entry : index.structs("manifests")) {
      entries.add(BlobDescriptor.of(entry));
      if (++documents > MAX_DOCUMENTS) {
        throw index.invalid("it refers to more than " + MAX_DOCUMENTS + " documents");
      }
    }
    return entries;
  }

  private void addAll(List<BlobDescriptor> entries) throws IOException {
    Map<List<String>, List<BlobDescriptor>> byName = new LinkedHashMap<>();
    for (BlobDescriptor entry : entries) {
      byName.computeIfAbsent(LayoutNames.key(entry), n -> new ArrayList<>()).add(entry);
    }
    Set<BlobDescriptor> leftOut = new HashSet<>();
    byName.forEach((key, group) -> leftOut.addAll(forOtherPlatforms(key, group)));
    for (BlobDescriptor entry : entries) {
      if (!leftOut.contains(entry)) {
        add(entry);
      }
    }
  }

  /** The entries of one name that are not taken because of their platform. */
  private List<BlobDescriptor> forOtherPlatforms(List<String> key, List<BlobDescriptor> group) {
    List<BlobDescriptor> offers =
        group.stream().filter(entry -> entry.platform() != null && !isAttestation(entry)).toList();
    if (!isAsked && !PlatformChoice.areSeveral(offers)) {
      return List.of();
    }
    List<BlobDescriptor> taken = PlatformChoice.best(offers, wanted);
    List<BlobDescriptor> others = new ArrayList<>(offers);
    others.removeAll(taken);
    if (!others.isEmpty()) {
      contents.note(
          taken.isEmpty()
              ? PlatformChoice.missing(LayoutNames.describe(key), offers, wanted)
              : "of "
                  + LayoutNames.describe(key)
                  + " those for "
                  + PlatformChoice.names(others)
                  + " were left out");
    }
    return others;
  }

  private void add(BlobDescriptor entry) throws IOException {
    try {
      if (MediaTypes.isIndex(entry.mediaType())) {
        contents.addChosen(manifests.image(descend(entry, 1)).withReferences(names.of(entry)));
        return;
      }
      ArchivedImage image = manifests.image(entry);
      if (entry.platform() == null) {
        contents.add(image.withReferences(names.of(entry)));
      } else {
        contents.addChosen(image.withReferences(names.of(entry)));
      }
    } catch (NotAnImageException e) {
      contents.leaveOut(e);
    }
  }

  private BlobDescriptor descend(BlobDescriptor index, int nesting) throws IOException {
    return pick(name(index), entries(index(index, nesting)), nesting);
  }

  private static String name(BlobDescriptor index) {
    return "the index " + index.digest();
  }

  private GoStruct index(BlobDescriptor index, int nesting) throws IOException {
    if (nesting > MAX_NESTING) {
      throw new InvalidImageException("the archive has indexes nested deeper than " + MAX_NESTING);
    }
    GoStruct json =
        GoStruct.strict(
            name(index),
            index.document(members, blobs.manifestPath(index), Contents.MAX_DOCUMENT_BYTES));
    requireIndex(json);
    return json;
  }

  /**
   * The manifest of the one image that an index offers for the platform.
   *
   * @throws NotAnImageException if there is none
   */
  private BlobDescriptor pick(String index, List<BlobDescriptor> entries, int nesting)
      throws IOException {
    List<BlobDescriptor> offers = new ArrayList<>();
    int others = 0;
    for (BlobDescriptor entry : entries) {
      BlobDescriptor offer = isAttestation(entry) ? null : offer(entry);
      if (offer == null) {
        others++;
      } else {
        offers.add(offer);
      }
    }
    List<BlobDescriptor> best = PlatformChoice.best(offers, wanted);
    BlobDescriptor picked;
    if (!best.isEmpty()) {
      picked = best.get(0);
    } else if (!isAsked && offers.size() == 1 && offers.get(0).platform() == null) {
      picked = offers.get(0);
    } else if (offers.isEmpty()) {
      throw new NotAnImageException(index + " has no image at all");
    } else {
      BlobDescriptor inner = inner(offers, nesting);
      if (inner != null) {
        return inner;
      }
      throw new NotAnImageException(PlatformChoice.missing(index, offers, wanted));
    }
    noteOthers(index, picked, offers, others);
    return MediaTypes.isIndex(picked.mediaType()) ? descend(picked, nesting + 1) : picked;
  }

  /**
   * What the indexes have that do not say what they are for; null if nothing is for the platform.
   */
  private @Nullable BlobDescriptor inner(List<BlobDescriptor> offers, int nesting)
      throws IOException {
    for (BlobDescriptor offer : offers) {
      if (offer.platform() == null && MediaTypes.isIndex(offer.mediaType())) {
        try {
          return descend(offer, nesting + 1);
        } catch (NotAnImageException e) {
          // Another may have it.
        }
      }
    }
    return null;
  }

  private void noteOthers(
      String index, BlobDescriptor picked, List<BlobDescriptor> offers, int others) {
    List<String> leftOut = new ArrayList<>();
    List<BlobDescriptor> images = new ArrayList<>(offers);
    images.remove(picked);
    if (!images.isEmpty()) {
      leftOut.add("the images for " + PlatformChoice.names(images));
    }
    if (others > 0) {
      leftOut.add(
          others == 1 ? "something that is no image" : others + " things that are no images");
    }
    if (!leftOut.isEmpty()) {
      contents.note("of " + index + " " + String.join(" and ", leftOut) + " were left out");
    }
  }

  /**
   * An entry of an index with its platform, looked up in the configuration if need be; null if it
   * is no image.
   */
  private @Nullable BlobDescriptor offer(BlobDescriptor entry) throws IOException {
    String mediaType = entry.mediaType();
    if (!MediaTypes.isIndex(mediaType)
        && !MediaTypes.isManifest(mediaType)
        && !MediaTypes.isUnspecific(mediaType)) {
      return null;
    }
    if (entry.platform() != null || MediaTypes.isIndex(entry.mediaType())) {
      return entry;
    }
    try {
      Platform platform = manifests.platform(entry);
      return platform.architecture().isEmpty() ? entry : entry.withPlatform(platform);
    } catch (NotAnImageException e) {
      return null;
    } catch (MissingMemberException e) {
      if (isComplete) {
        return null;
      }
      throw e;
    }
  }

  /** Whether it is what BuildKit adds to an image: of no platform, and said to be so. */
  private static boolean isAttestation(BlobDescriptor entry) {
    Platform platform = entry.platform();
    return entry.annotations().containsKey(REFERENCE_TYPE)
        || (platform != null && platform.os().equals(UNKNOWN));
  }

  private static void requireIndex(GoStruct json) throws InvalidImageException {
    String mediaType = json.text("mediaType");
    if (json.has("config") || json.has("layers") || MediaTypes.isManifest(mediaType)) {
      throw json.invalid("it is an index and a manifest at once");
    }
    if (json.integer("schemaVersion", 2) != 2) {
      throw json.invalid("its schema version is not 2");
    }
    if (!json.has("manifests")) {
      throw json.invalid("it has no list of manifests");
    }
  }
}
