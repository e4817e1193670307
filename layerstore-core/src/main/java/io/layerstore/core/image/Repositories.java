package io.layerstore.core.image;

import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.core.json.GoJson;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Null;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What {@code repositories.json} says at one moment. Immutable.
 *
 * <pre>
 * {"Repositories":{REPOSITORY:{REFERENCE:ID,...},...}}
 * </pre>
 *
 * <p>All names are in the short form, sorted, on one line without a newline. Entries that are no
 * references stay as they are and name nothing. Checked against moby v20.10.24 and v28.5, {@code
 * reference/store.go}.
 */
final class Repositories {

  /** No names. */
  static final Repositories EMPTY = new Repositories(new TreeMap<>());

  private static final String ROOT = "Repositories";

  /** Exactly what is on disk, entries that are no references included. */
  private final SortedMap<String, SortedMap<String, String>> entries;

  private final SortedMap<ImageReference, ImageId> byReference = new TreeMap<>();
  private final Map<ImageId, List<ImageReference>> byImage = new HashMap<>();

  private Repositories(SortedMap<String, SortedMap<String, String>> entries) {
    this.entries = entries;
    entries.forEach(
        (repository, names) -> names.forEach((name, id) -> index(repository, name, id)));
    byReference.forEach(
        (reference, id) -> byImage.computeIfAbsent(id, i -> new ArrayList<>()).add(reference));
  }

  private void index(String repository, String name, String idText) {
    try {
      ImageReference reference = ImageReference.parseRepository(name);
      ImageId id = ImageId.parse(idText);
      // Docker looks a name up by these two keys and would not find it under others.
      if (!reference.isRepository()
          && reference.toString().equals(name)
          && reference.repository().equals(repository)) {
        byReference.put(reference, id);
      }
    } catch (IllegalArgumentException e) {
      // Docker keeps such an entry, and so does this: it is not ours to lose.
      return;
    }
  }

  /**
   * Reads the document.
   *
   * @throws IOException if it is not of the form
   */
  static Repositories read(byte[] document) throws IOException {
    SortedMap<String, SortedMap<String, String>> entries = new TreeMap<>();
    for (Member root : members(JsonValue.parse(document), "the document")) {
      if (GoJson.isMember(root.name(), ROOT)) {
        for (Member repository : members(root.value(), ROOT)) {
          entries.put(repository.name(), names(repository));
        }
      }
    }
    entries.values().removeIf(Map::isEmpty);
    return new Repositories(entries);
  }

  private static SortedMap<String, String> names(Member repository) throws IOException {
    SortedMap<String, String> names = new TreeMap<>();
    for (Member name : members(repository.value(), "a repository")) {
      if (name.value() instanceof Text id) {
        names.put(name.name(), id.text());
      } else if (name.value() instanceof Null) {
        names.put(name.name(), "");
      } else {
        throw new IOException("a reference does not have an image id");
      }
    }
    return names;
  }

  private static List<Member> members(JsonValue value, String what) throws IOException {
    if (value instanceof Null) {
      return List.of();
    }
    if (value instanceof Obj object) {
      return object.members();
    }
    throw new IOException(what + " is no JSON object");
  }

  /** The document. */
  byte[] toBytes() {
    List<Member> repositories = new ArrayList<>();
    entries.forEach(
        (repository, names) -> {
          List<Member> members = new ArrayList<>();
          names.forEach((name, id) -> members.add(new Member(name, new Text(id))));
          repositories.add(new Member(repository, new Obj(members)));
        });
    return new Obj(List.of(new Member(ROOT, new Obj(repositories)))).toBytes();
  }

  /** These, with {@code reference} naming {@code id} and nothing else. */
  Repositories with(ImageReference reference, ImageId id) {
    SortedMap<String, SortedMap<String, String>> changed = copy();
    changed
        .computeIfAbsent(reference.repository(), repository -> new TreeMap<>())
        .put(reference.toString(), id.toString());
    return new Repositories(changed);
  }

  /** These, without {@code references}; a repository without any is left out. */
  Repositories without(List<ImageReference> references) {
    SortedMap<String, SortedMap<String, String>> changed = copy();
    for (ImageReference reference : references) {
      SortedMap<String, String> names = changed.get(reference.repository());
      if (names != null) {
        names.remove(reference.toString());
        if (names.isEmpty()) {
          changed.remove(reference.repository());
        }
      }
    }
    return new Repositories(changed);
  }

  private SortedMap<String, SortedMap<String, String>> copy() {
    SortedMap<String, SortedMap<String, String>> copy = new TreeMap<>();
    entries.forEach((repository, names) -> copy.put(repository, new TreeMap<>(names)));
    return copy;
  }

  /** What is on disk under {@code reference}, image id or not. */
  @Nullable String raw(ImageReference reference) {
    SortedMap<String, String> names = entries.get(reference.repository());
    return names == null ? null : names.get(reference.toString());
  }

  /** All references, sorted. */
  SortedMap<ImageReference, ImageId> all() {
    return Collections.unmodifiableSortedMap(byReference);
  }

  /** The references to an image, sorted. */
  List<ImageReference> of(ImageId id) {
    return Collections.unmodifiableList(byImage.getOrDefault(id, List.of()));
  }

  /** The image that a tag or digest names. */
  Optional<ImageId> find(ImageReference reference) {
    return Optional.ofNullable(byReference.get(reference));
  }
}
