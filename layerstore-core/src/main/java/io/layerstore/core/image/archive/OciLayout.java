package io.layerstore.core.image.archive;

import io.layerstore.Digest;
import io.layerstore.ImageManifest;
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
import java.util.function.Function;
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
  private final boolean takesAll;
  private final boolean isComplete;
  private final Contents.Builder contents;
  private final LayoutNames names;
  private int documents;

  /**
   * @param choice what to take where there is a choice
   * @param isComplete whether all members are known: one that is not there does not come any more
   */
  OciLayout(Members members, BlobStore blobs, Wanted choice, Limits limits, boolean isComplete) {
    this.members = members;
    this.blobs = blobs;
    this.manifests = new ManifestReader(members, blobs, limits, isComplete);
    this.wanted = PlatformChoice.wanted(choice.platform());
    this.isAsked = choice.platform() != null;
    this.takesAll = choice.all();
    this.isComplete = isComplete;
    this.contents = new Contents.Builder(choice.only());
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
        List<BlobDescriptor> entries = entries(document);
        ImageManifest kept = kept(members.document(Contents.MANIFEST, Contents.MAX_LIST_BYTES));
        if (takesAll) {
          Map<BlobDescriptor, ArchivedImage> found = new LinkedHashMap<>();
          collect(entries, List.of(kept), 1, found);
          addFound("the directory", found, List.of(), entry -> List.of());
        } else {
          contents.addChosen(image(pick("the directory", entries, 1).below(kept)));
        }
      } else {
        ManifestReader.requireManifest(Contents.MANIFEST, document);
        ImageManifest kept = kept(members.document(Contents.MANIFEST, Contents.MAX_LIST_BYTES));
        contents.add(manifests.image(Contents.MANIFEST, document).withManifests(List.of(kept)));
      }
    } catch (NotAnImageException e) {
      contents.leaveOut(e);
    }
    return contents.build();
  }

  /**
   * The images that a document of a registry is or has: the one for the platform gets {@code
   * references}; if all are wanted, each gets its digest in {@code repository}, too.
   */
  Contents read(BlobDescriptor document, List<ImageReference> references, ImageReference repository)
      throws IOException {
    try {
      if (MediaTypes.isIndex(document.mediaType())) {
        addIndex(document, references, entry -> List.of(repository.withDigest(entry.digest())));
      } else {
        contents.add(manifests.image(document).withReferences(references));
      }
    } catch (NotAnImageException e) {
      contents.leaveOut(e);
    }
    return contents.build();
  }

  /** Adds what is wanted of an index; {@code own} names each image where all are. */
  private void addIndex(
      BlobDescriptor index,
      List<ImageReference> references,
      Function<BlobDescriptor, List<ImageReference>> own)
      throws IOException {
    if (takesAll) {
      Map<BlobDescriptor, ArchivedImage> found = new LinkedHashMap<>();
      Document document = index(index, 1);
      collect(entries(document.json()), List.of(document.kept()), 1, found);
      addFound(name(index), found, references, own);
    } else {
      contents.addChosen(image(descend(index, 1)).withReferences(references));
    }
  }

  /** Finds all images of an index, by what it says of them, with the platform. */
  private void collect(
      List<BlobDescriptor> entries,
      List<ImageManifest> indexes,
      int nesting,
      Map<BlobDescriptor, ArchivedImage> found)
      throws IOException {
    for (BlobDescriptor entry : entries) {
      if (isAttestation(entry)) {
        continue;
      }
      try {
        if (MediaTypes.isIndex(entry.mediaType())) {
          Document document = index(entry, nesting + 1);
          List<ImageManifest> all = new ArrayList<>(List.of(document.kept()));
          all.addAll(indexes);
          collect(entries(document.json()), all, nesting + 1, found);
        } else {
          ArchivedImage image = manifests.image(entry).withManifests(indexes);
          found.put(
              entry.platform() == null
                  ? entry.withPlatform(PlatformChoice.of(image.config()))
                  : entry,
              image);
        }
      } catch (NotAnImageException e) {
        contents.leaveOut(e);
      } catch (MissingMemberException e) {
        if (!isComplete) {
          throw e;
        }
        contents.note(entry.digest() + " is listed and not there; it was left out");
      }
    }
  }

  /** Adds all images of an index: the one for the platform, or else the first, gets the names. */
  private void addFound(
      String index,
      Map<BlobDescriptor, ArchivedImage> found,
      List<ImageReference> references,
      Function<BlobDescriptor, List<ImageReference>> own)
      throws NotAnImageException {
    if (found.isEmpty()) {
      throw new NotAnImageException(index + " has no image at all");
    }
    BlobDescriptor main = main(List.copyOf(found.keySet()));
    found.forEach(
        (entry, image) -> {
          if (entry.equals(main)) {
            contents.addChosen(image.withReferences(references).withReferences(own.apply(entry)));
          } else {
            contents.addFurther(image.withReferences(own.apply(entry)));
          }
        });
  }

  /** The one of several that gets the name. */
  private BlobDescriptor main(List<BlobDescriptor> offers) {
    return PlatformChoice.best(offers, wanted).stream().findFirst().orElse(offers.get(0));
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
    Set<BlobDescriptor> others = new HashSet<>();
    byName.forEach((key, group) -> others.addAll(forOtherPlatforms(key, group)));
    for (BlobDescriptor entry : entries) {
      if (!others.contains(entry)) {
        add(entry);
      } else if (takesAll) {
        addFurther(entry);
      }
    }
  }

  /** With them the images for other platforms have names, too, so that nothing prunes them. */
  private static List<ImageReference> digestNames(
      List<ImageReference> given, BlobDescriptor image) {
    return given.stream().map(name -> name.withDigest(image.digest())).toList();
  }

  private void addFurther(BlobDescriptor entry) throws IOException {
    try {
      contents.addFurther(
          manifests.image(entry).withReferences(digestNames(names.of(entry), entry)));
    } catch (NotAnImageException e) {
      contents.leaveOut(e);
    }
  }

  /** The entries of one name that do not get it because of their platform. */
  private List<BlobDescriptor> forOtherPlatforms(List<String> key, List<BlobDescriptor> group) {
    List<BlobDescriptor> offers =
        group.stream().filter(entry -> entry.platform() != null && !isAttestation(entry)).toList();
    if ((!isAsked || takesAll) && !PlatformChoice.areSeveral(offers)) {
      return List.of();
    }
    List<BlobDescriptor> taken = PlatformChoice.best(offers, wanted);
    if (taken.isEmpty() && takesAll) {
      taken = PlatformChoice.best(offers, PlatformChoice.wanted(offers.get(0).platform()));
    }
    List<BlobDescriptor> others = new ArrayList<>(offers);
    others.removeAll(taken);
    if (!others.isEmpty() && !takesAll) {
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
        List<ImageReference> given = names.of(entry);
        addIndex(entry, given, image -> digestNames(given, image));
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

  /**
   * An index.
   *
   * @param kept as it is
   */
  private record Document(GoStruct json, ImageManifest kept) {}

  /**
   * The manifest of an image.
   *
   * @param indexes it is in, the innermost first
   */
  private record Found(BlobDescriptor manifest, List<ImageManifest> indexes) {

    Found below(ImageManifest index) {
      List<ImageManifest> all = new ArrayList<>(indexes);
      all.add(index);
      return new Found(manifest, all);
    }
  }

  private ArchivedImage image(Found found) throws IOException {
    return manifests.image(found.manifest()).withManifests(found.indexes());
  }

  private static ImageManifest kept(byte[] document) throws InvalidImageException {
    return ManifestReader.kept(Digest.sha256Of(document), document);
  }

  private Found descend(BlobDescriptor index, int nesting) throws IOException {
    Document document = index(index, nesting);
    return pick(name(index), entries(document.json()), nesting).below(document.kept());
  }

  private static String name(BlobDescriptor index) {
    return "the index " + index.digest();
  }

  private Document index(BlobDescriptor index, int nesting) throws IOException {
    if (nesting > MAX_NESTING) {
      throw new InvalidImageException("the archive has indexes nested deeper than " + MAX_NESTING);
    }
    byte[] document =
        index.document(members, blobs.manifestPath(index), Contents.MAX_DOCUMENT_BYTES);
    GoStruct json = GoStruct.strict(name(index), document);
    requireIndex(json);
    return new Document(json, ManifestReader.kept(index.digest(), document));
  }

  /**
   * The manifest of the one image that an index offers for the platform.
   *
   * @throws NotAnImageException if there is none
   */
  private Found pick(String index, List<BlobDescriptor> entries, int nesting) throws IOException {
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
      Found inner = inner(offers, nesting);
      if (inner != null) {
        return inner;
      }
      throw new NotAnImageException(PlatformChoice.missing(index, offers, wanted));
    }
    noteOthers(index, picked, offers, others);
    return MediaTypes.isIndex(picked.mediaType())
        ? descend(picked, nesting + 1)
        : new Found(picked, List.of());
  }

  /**
   * What the indexes have that do not say what they are for; null if nothing is for the platform.
   */
  private @Nullable Found inner(List<BlobDescriptor> offers, int nesting) throws IOException {
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
  static boolean isAttestation(BlobDescriptor entry) {
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
