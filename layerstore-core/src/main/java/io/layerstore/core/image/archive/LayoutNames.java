package io.layerstore.core.image.archive;

import io.layerstore.ImageReference;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The names that a layout gives its images: the annotations {@code io.containerd.image.name} and
 * {@code org.opencontainers.image.ref.name}, the first that is a reference with a tag. Anything may
 * stand there, so what is none costs the image nothing.
 */
final class LayoutNames {

  private static final String CONTAINERD_NAME = "io.containerd.image.name";
  private static final String REF_NAME = "org.opencontainers.image.ref.name";

  private final Contents.Builder contents;

  /**
   * @param contents where to note the names that are none
   */
  LayoutNames(Contents.Builder contents) {
    this.contents = contents;
  }

  /** What entries of an index must have in common to be one choice: their names, as they stand. */
  static List<String> key(BlobDescriptor entry) {
    return Stream.of(CONTAINERD_NAME, REF_NAME)
        .map(key -> entry.annotations().getOrDefault(key, ""))
        .toList();
  }

  /** The names in {@code key} for people. */
  static String describe(List<String> key) {
    return key.stream()
        .filter(name -> !name.isEmpty())
        .findFirst()
        .map(name -> "the images called " + ArchiveText.quoted(name))
        .orElse("the images without a name");
  }

  /** The names that a descriptor gives its image: one at the most. */
  List<ImageReference> of(BlobDescriptor entry) {
    String full = entry.annotations().getOrDefault(CONTAINERD_NAME, "");
    ImageReference reference = full.isEmpty() ? null : tag(full);
    if (reference != null) {
      return List.of(reference);
    }
    String name = entry.annotations().getOrDefault(REF_NAME, "");
    // Most writers put a bare tag here, which says nothing of a repository.
    boolean isBareTag = name.indexOf('/') < 0 && name.indexOf(':') < 0;
    if (!name.isEmpty() && !name.equals(full)) {
      if (!isBareTag) {
        return Optional.ofNullable(tag(name)).map(List::of).orElse(List.of());
      }
      if (full.isEmpty()) {
        note(name, "it is no repository with a tag");
      }
    }
    return List.of();
  }

  private @Nullable ImageReference tag(String name) {
    try {
      ImageReference reference = ImageReference.parse(name);
      if (reference.tag().isPresent()) {
        return reference;
      }
      note(name, "it has no tag");
    } catch (IllegalArgumentException e) {
      note(name, String.valueOf(e.getMessage()));
    }
    return null;
  }

  private void note(String name, String why) {
    contents.note("the name " + ArchiveText.quoted(name) + " was not given to the image: " + why);
  }
}
