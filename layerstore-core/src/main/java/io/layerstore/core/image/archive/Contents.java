package io.layerstore.core.image.archive;

import io.layerstore.Limits;
import io.layerstore.Platform;
import io.layerstore.image.ImageId;
import io.layerstore.image.InvalidImageException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The images of an archive.
 *
 * @param images in the order of the archive, none twice
 * @param notes what was left out, a sentence each
 */
record Contents(List<ArchivedImage> images, List<String> notes) {

  static final String MANIFEST = "manifest.json";
  static final String INDEX = "index.json";
  static final String LAYOUT = "oci-layout";

  /** As large as a document of an archive may be that describes one image. */
  static final int MAX_DOCUMENT_BYTES = 4 << 20;

  /** As large as a document may be that describes all images of an archive. */
  static final int MAX_LIST_BYTES = 8 << 20;

  Contents {
    images = List.copyOf(images);
    notes = List.copyOf(notes);
  }

  /**
   * Reads the documents of an archive: {@code manifest.json} if there is one, as Docker does, else
   * an OCI layout, else what Docker wrote before 1.10.
   *
   * @param platform what to take where there is a choice; null for the one of this machine
   * @throws InvalidImageException if it is no image archive
   */
  static Contents read(Members members, @Nullable Platform platform, Limits limits)
      throws IOException {
    Contents early = readEarly(members, platform);
    if (early != null) {
      return early;
    }
    if (members.has(LAYOUT)) {
      throw new MissingMemberException(INDEX);
    }
    if (LegacyArchive.isOne(members)) {
      return LegacyArchive.read(members, limits);
    }
    throw new InvalidImageException(
        "invalid archive: does not contain a "
            + MANIFEST
            + ", nor an "
            + INDEX
            + " of an OCI layout; was it written by docker save, or is it the archive of a root"
            + " file system, to be imported?");
  }

  /** The same if one of the documents that list the images is there already; else null. */
  static @Nullable Contents readEarly(Members members, @Nullable Platform platform)
      throws IOException {
    if (members.has(MANIFEST)) {
      return DockerArchive.read(members);
    }
    if (members.has(INDEX)) {
      return new OciLayout(members, platform).read();
    }
    return null;
  }

  /** Collects images; one that is there several times gets the names of all. */
  static final class Builder {
    private final Map<ImageId, ArchivedImage> images = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();

    void add(ArchivedImage image) {
      images.merge(image.id(), image, (first, again) -> first.withReferences(again.references()));
    }

    void note(String note) {
      notes.add(note);
    }

    Contents build() {
      return new Contents(new ArrayList<>(images.values()), notes);
    }
  }
}
