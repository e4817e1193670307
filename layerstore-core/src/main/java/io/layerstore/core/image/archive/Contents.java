package io.layerstore.core.image.archive;

import io.layerstore.ImageConfig;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.InvalidImageException;
import io.layerstore.Limits;
import io.layerstore.Platform;
import io.layerstore.core.json.GoStruct;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Obj;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The images of an archive.
 *
 * @param images in the order of the archive, none twice
 * @param names which image gets which name: of several that claim it, the last one of the archive
 * @param further those of them that are another's further platforms, and so need no name
 * @param notes what was left out, a sentence each
 */
record Contents(
    List<ArchivedImage> images,
    Map<ImageReference, ImageId> names,
    Set<ImageId> further,
    List<String> notes) {

  static final String MANIFEST = "manifest.json";
  static final String INDEX = "index.json";
  static final String LAYOUT = "oci-layout";

  /** As large as a document of an archive may be that describes one image. */
  static final int MAX_DOCUMENT_BYTES = 4 << 20;

  /** As large as a document may be that describes all images of an archive. */
  static final int MAX_LIST_BYTES = 8 << 20;

  /**
   * The same, with {@code name}, a tag or repository, for the image without a name.
   *
   * @throws InvalidImageException if there is none or more than one, or if another image has it
   */
  Contents named(ImageReference name) throws InvalidImageException {
    ImageReference reference =
        name.isRepository() ? name.withTag(ImageReference.DEFAULT_TAG) : name;
    List<ImageId> unnamed =
        images.stream()
            .map(ArchivedImage::id)
            .filter(id -> !names.containsValue(id) && !further.contains(id))
            .toList();
    if (unnamed.isEmpty()) {
      throw new InvalidImageException(
          "every image of the archive has a name, so "
              + reference
              + " cannot name one; load it without that name, and tag it then");
    }
    if (unnamed.size() > 1) {
      throw new InvalidImageException(
          "the archive has "
              + unnamed.size()
              + " images without a name, but "
              + reference
              + " can name only one; load it without that name, and tag them then");
    }
    if (names.containsKey(reference)) {
      throw new InvalidImageException(
          "another image of the archive is called " + reference + " already; give another name");
    }
    ImageId id = unnamed.get(0);
    Map<ImageReference, ImageId> all = new LinkedHashMap<>(names);
    List<ArchivedImage> named = new ArrayList<>();
    for (ArchivedImage image : images) {
      List<ImageReference> given = List.of();
      if (image.id().equals(id)) {
        given = List.of(reference);
      } else if (further.contains(image.id()) && image.references().isEmpty()) {
        given =
            image.manifests().stream()
                .limit(1)
                .map(manifest -> reference.withDigest(manifest.descriptor().digest()))
                .toList();
      }
      given.forEach(each -> all.put(each, image.id()));
      named.add(image.withReferences(given));
    }
    return new Contents(named, all, further, notes);
  }

  /** Of the notes of an archive without images, as many as a message can have. */
  private static final int MAX_REASONS = 5;

  Contents {
    images = List.copyOf(images);
    names = Collections.unmodifiableMap(new LinkedHashMap<>(names));
    further = Set.copyOf(further);
    notes = List.copyOf(notes);
  }

  /** The same without notes. */
  Contents withoutNotes() {
    return new Contents(images, names, further, List.of());
  }

  /**
   * Reads the documents of an archive: {@code manifest.json} if there is one, as Docker does, else
   * an OCI layout, else what Docker wrote before 1.10.
   *
   * @param wanted what to take where there is a choice
   * @throws InvalidImageException if it is no image archive, or has no image to load
   */
  static Contents read(Members members, Wanted wanted, Limits limits) throws IOException {
    Contents contents = readListed(members, wanted, limits, true);
    if (contents == null) {
      contents = readLegacy(members, wanted, limits);
    }
    contents.requireImages("the archive has no image to load");
    return contents;
  }

  /**
   * Refuses what has no image.
   *
   * @param what what it is, and what was wanted of it
   */
  void requireImages(String what) throws InvalidImageException {
    if (images.isEmpty()) {
      String reasons = notes.stream().limit(MAX_REASONS).collect(Collectors.joining("; "));
      throw new InvalidImageException(
          what
              + (reasons.isEmpty() ? ": its list of images is empty" : ": " + reasons)
              + (notes.size() > MAX_REASONS ? "; and so on" : ""));
    }
  }

  private static Contents readLegacy(Members members, Wanted wanted, Limits limits)
      throws IOException {
    if (members.has(LAYOUT)) {
      throw new MissingMemberException(INDEX);
    }
    if (LegacyArchive.isOne(members)) {
      return LegacyArchive.read(members, wanted.only(), limits);
    }
    throw new InvalidImageException(
        "invalid archive: does not contain a "
            + MANIFEST
            + ", nor an "
            + INDEX
            + " of an OCI layout; was it written by docker save, or is it the archive of a root"
            + " file system, to be imported?");
  }

  /**
   * The same if one of the documents that list the images is there already and lists some; else
   * null.
   *
   * @throws MissingMemberException if a member is needed that is not there yet
   */
  static @Nullable Contents readEarly(Members members, Wanted wanted, Limits limits)
      throws IOException {
    Contents contents = readListed(members, wanted, limits, false);
    return contents == null || contents.images().isEmpty() ? null : contents;
  }

  private static @Nullable Contents readListed(
      Members members, Wanted wanted, Limits limits, boolean isComplete) throws IOException {
    if (members.has(MANIFEST)) {
      JsonValue manifest = GoStruct.parse(MANIFEST, members.document(MANIFEST, MAX_LIST_BYTES));
      return manifest instanceof Obj
          ? new OciLayout(members, BlobStore.DIRECTORY, wanted, limits, isComplete)
              .readDirectory(GoStruct.strict(MANIFEST, manifest))
          : DockerArchive.read(members, manifest, wanted.only());
    }
    return members.has(INDEX)
        ? new OciLayout(members, BlobStore.LAYOUT, wanted, limits, isComplete).read()
        : null;
  }

  /** Collects images; one that is there several times gets the names of all. */
  static final class Builder {
    private final @Nullable Platform asked;
    private final Map<ImageId, ArchivedImage> images = new LinkedHashMap<>();
    private final Map<ImageReference, ImageId> names = new LinkedHashMap<>();
    private final Set<ImageId> chosen = new HashSet<>();
    private final List<String> notes = new ArrayList<>();

    /**
     * @param asked the platform of which images are wanted; null for any
     */
    Builder(@Nullable Platform asked) {
      this.asked = asked;
    }

    /** Adds an image, unless it says to be for another platform than was asked for. */
    void add(ArchivedImage image) {
      if (asked == null || PlatformChoice.fits(image.config(), asked)) {
        addChosen(image);
      } else {
        ImageConfig config = image.config();
        note(
            "the image "
                + image.id()
                + " is for "
                + PlatformChoice.name(PlatformChoice.of(config))
                + " and not for "
                + PlatformChoice.name(asked)
                + "; it was left out");
      }
    }

    /** Adds an image whose platform does not matter any more. */
    void addChosen(ArchivedImage image) {
      chosen.add(image.id());
      addFurther(image);
    }

    /** Adds an image that is another's further platform. */
    void addFurther(ArchivedImage image) {
      images.merge(
          image.id(),
          image,
          (first, again) ->
              first.withReferences(again.references()).withManifests(again.manifests()));
      for (ImageReference reference : image.references()) {
        ImageId before = names.remove(reference);
        if (before != null && !before.equals(image.id())) {
          note(
              "the name "
                  + reference
                  + " is that of several images of the archive: "
                  + image.id()
                  + " comes last and has it, "
                  + before
                  + " does not");
        }
        names.put(reference, image.id());
      }
    }

    void leaveOut(NotAnImageException reason) {
      note(reason.getMessage() + "; it was left out");
    }

    void note(String note) {
      notes.add(note);
    }

    Contents build() {
      Set<ImageId> further = new HashSet<>(images.keySet());
      further.removeAll(chosen);
      return new Contents(new ArrayList<>(images.values()), names, further, notes);
    }
  }
}
