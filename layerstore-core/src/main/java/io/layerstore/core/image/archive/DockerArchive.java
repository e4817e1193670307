package io.layerstore.core.image.archive;

import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.InvalidImageException;
import io.layerstore.Platform;
import io.layerstore.core.json.GoStruct;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Null;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code docker save} writes since 1.10, and skopeo, buildah, kaniko, jib and others too.
 *
 * <pre>
 * manifest.json = [{"Config":path,"RepoTags":[name:tag,...],"Layers":[path,...],"Parent":imageID}]
 * </pre>
 *
 * <p>Layers are bottom first. {@code LayerSources}, {@code repositories} and {@code index.json} say
 * the same again and are not read. Checked against moby v20.10.24 and v28.5, {@code
 * image/tarexport/load.go}.
 */
final class DockerArchive {

  private static final String NAME = Contents.MANIFEST;

  /** More names than anybody gives an archive. */
  private static final int MAX_TAGS = 10_000;

  private DockerArchive() {}

  /**
   * What the archive with this {@code manifest.json} has.
   *
   * @param asked the platform of which images are wanted; null for any
   */
  static Contents read(Members members, JsonValue manifest, @Nullable Platform asked)
      throws IOException {
    if (manifest instanceof Null) {
      throw new InvalidImageException("invalid manifest, manifest cannot be null (but can be [])");
    }
    if (!(manifest instanceof Array items)) {
      throw new InvalidImageException("invalid manifest: " + NAME + " is not a list");
    }
    Contents.Builder contents = new Contents.Builder(asked);
    int tags = 0;
    for (JsonValue item : items.elements()) {
      ArchivedImage image = image(members, GoStruct.strict(NAME, item), contents);
      tags += image.references().size();
      if (tags > MAX_TAGS) {
        throw new InvalidImageException(NAME + " has more than " + MAX_TAGS + " tags");
      }
      contents.add(image);
    }
    return contents.build();
  }

  private static ArchivedImage image(Members members, GoStruct item, Contents.Builder contents)
      throws IOException {
    List<ArchivedLayer.Place> layers = new ArrayList<>();
    for (String path : item.texts("Layers")) {
      layers.add(new ArchivedLayer.Place(path, null));
    }
    List<ImageReference> references = new ArrayList<>();
    for (String tag : item.texts("RepoTags")) {
      references.add(reference(tag));
    }
    return ArchivedImage.of(
        members.document(item.text("Config"), Contents.MAX_DOCUMENT_BYTES),
        layers,
        references,
        parent(item, contents));
  }

  /** A tag of Docker's, which must be there in so many words. */
  static ImageReference reference(String tag) throws InvalidImageException {
    try {
      ImageReference reference = ImageReference.parseRepository(tag);
      if (reference.tag().isPresent()) {
        return reference;
      }
    } catch (IllegalArgumentException e) {
      throw new InvalidImageException(
          "invalid tag " + ArchiveText.quoted(tag) + ": " + e.getMessage(), e);
    }
    throw new InvalidImageException(
        "invalid tag " + ArchiveText.quoted(tag) + ": not of the form name:tag");
  }

  /** As Docker does, which looks for a parent in the archive and nowhere else. */
  private static @Nullable ImageId parent(GoStruct item, Contents.Builder contents)
      throws InvalidImageException {
    String parent = item.text("Parent");
    try {
      return parent.isEmpty() ? null : ImageId.parse(parent);
    } catch (IllegalArgumentException e) {
      contents.note(
          "the parent " + ArchiveText.quoted(parent) + " is not an image id; it was not noted");
      return null;
    }
  }
}
