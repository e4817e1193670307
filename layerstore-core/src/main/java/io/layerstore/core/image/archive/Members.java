package io.layerstore.core.image.archive;

import com.google.common.base.Splitter;
import io.layerstore.InvalidImageException;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The members of an image archive, found by name.
 *
 * <p>A name leads to a member of this archive or nowhere: absolute names and links begin at the
 * archive's own root, and {@code ..} does not climb above it. Docker resolves the names in a
 * manifest in the same way, in the directory to which it has unpacked the archive.
 */
abstract class Members implements Closeable {

  /** As deep as the kernel follows links. */
  private static final int MAX_LINKS = 40;

  /** What a name can mean. */
  sealed interface Node {}

  /**
   * A regular file.
   *
   * @param blob its content
   */
  record File(Blob blob) implements Node {}

  /**
   * A link.
   *
   * @param target where it leads, relative to its own directory unless it begins with a slash
   */
  record Link(String target) implements Node {}

  /** A directory. */
  record Directory() implements Node {}

  /**
   * Something that is neither.
   *
   * @param kind what it is, for people
   */
  record Special(String kind) implements Node {}

  /** A member that was passed over because nothing needed it. */
  record Passed() implements Node {}

  /**
   * Where a name leads.
   *
   * @param path the path without links, as far as they are known
   * @param node what is there, or null
   */
  record Place(String path, @Nullable Node node) {}

  /** What is at {@code path}, the names of existing directories and one more; null if nothing. */
  abstract @Nullable Node node(List<String> path) throws IOException;

  /** The names in the root, sorted. */
  abstract Collection<String> rootNames() throws IOException;

  /**
   * The regular file that {@code path} means, or null if there is none.
   *
   * @throws InvalidImageException if it is something else, or leads out of the archive
   */
  final @Nullable Blob find(String path) throws IOException {
    Node node = place(path).node();
    if (node == null) {
      return null;
    }
    if (node instanceof File file) {
      return file.blob();
    }
    if (node instanceof Passed) {
      throw new InvalidImageException(
          "the archive's member "
              + ArchiveText.quoted(path)
              + " came before it was known to be needed; load the archive from a file in place of a"
              + " stream");
    }
    throw new InvalidImageException(
        "the archive's member "
            + ArchiveText.quoted(path)
            + " is "
            + (node instanceof Special special ? special.kind() : "a directory")
            + " where a regular file must be");
  }

  /** Where {@code path} leads. */
  final Place place(String path) throws IOException {
    Deque<String> todo = cleaned(path);
    List<String> at = new ArrayList<>();
    int links = 0;
    Node node = new Directory();
    while (!todo.isEmpty()) {
      String name = todo.pop();
      if (name.equals("..")) {
        if (!at.isEmpty()) {
          at.remove(at.size() - 1);
        }
        continue;
      }
      at.add(name);
      node = node(at);
      if (node instanceof Link link) {
        if (++links > MAX_LINKS) {
          throw new InvalidImageException(
              "the archive's member " + ArchiveText.quoted(path) + " leads through too many links");
        }
        if (link.target().startsWith("/")) {
          at.clear();
        } else {
          at.remove(at.size() - 1);
        }
        List<String> target = names(link.target());
        for (int i = target.size() - 1; i >= 0; i--) {
          todo.push(target.get(i));
        }
        node = new Directory();
      } else if (!todo.isEmpty() && !(node instanceof Directory)) {
        at.addAll(todo);
        return new Place(String.join("/", at), null);
      }
    }
    return new Place(String.join("/", at), node);
  }

  /** The names of a path of a manifest; {@code ..} takes the name before it away. */
  private static Deque<String> cleaned(String path) throws InvalidImageException {
    Deque<String> cleaned = new ArrayDeque<>();
    for (String name : names(path)) {
      if (!name.equals("..")) {
        cleaned.addLast(name);
      } else if (cleaned.pollLast() == null) {
        throw new InvalidImageException(
            "invalid archive: the path " + ArchiveText.quoted(path) + " leads out of it");
      }
    }
    if (cleaned.isEmpty() || path.indexOf('\0') >= 0) {
      throw new InvalidImageException(
          "invalid archive: " + ArchiveText.quoted(path) + " is not the path of a file");
    }
    return cleaned;
  }

  /** The names of a path, without empty ones and dots. */
  static List<String> names(String path) {
    List<String> names = new ArrayList<>();
    for (String name : Splitter.on('/').omitEmptyStrings().split(path)) {
      if (!name.equals(".")) {
        names.add(name);
      }
    }
    return names;
  }

  /** Whether there is something at {@code path}. */
  final boolean has(String path) throws IOException {
    return place(path).node() != null;
  }

  /**
   * The content of a document.
   *
   * @throws MissingMemberException if there is none
   * @throws InvalidImageException if it is larger than {@code maxBytes}
   */
  final byte[] document(String path, int maxBytes) throws IOException {
    Blob blob = find(path);
    if (blob == null) {
      throw new MissingMemberException(path);
    }
    requireOnce(place(path).path());
    requireDocumentSize(path, blob.sizeBytes(), maxBytes);
    try (InputStream in = blob.open()) {
      return in.readNBytes(maxBytes);
    }
  }

  /** Checks that a document is not larger than any of its kind. */
  static void requireDocumentSize(String path, long sizeBytes, int maxBytes)
      throws InvalidImageException {
    if (sizeBytes > maxBytes) {
      throw new InvalidImageException(
          "the archive's member "
              + ArchiveText.quoted(path)
              + " has "
              + sizeBytes
              + " bytes, where at most "
              + maxBytes
              + " are allowed");
    }
  }

  /**
   * Checks that a document is not in the archive twice.
   *
   * @throws InvalidImageException if it is
   */
  void requireOnce(String path) throws InvalidImageException {}
}
