package io.layerstore.core.image.archive;

import io.layerstore.ArchiveException;
import io.layerstore.ByteString;
import io.layerstore.InvalidImageException;
import io.layerstore.Limits;
import io.layerstore.core.tar.TarHeader;
import io.layerstore.core.tar.TarReader;
import io.layerstore.core.tar.TarReader.NotTarException;
import io.layerstore.core.work.Interrupts;
import io.layerstore.spi.FileContent;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The members of a tar, noted in one walk through it.
 *
 * <p>Of several members of one name the last counts, as when the archive is unpacked; but documents
 * must not be there twice.
 */
final class TarMembers extends Members {

  /** How many members there may be; an image of 125 layers has about 500 at the most. */
  static final int MAX_MEMBERS = 100_000;

  /** How long their names may be together, so that no archive of names fills the heap. */
  private static final long MAX_NAME_BYTES = 16L << 20;

  private final Map<String, Node> nodes = new HashMap<>();
  private final Set<String> repeated = new HashSet<>();

  /** What was read as a document, which may be before the end of the archive. */
  private final Set<String> documents = new HashSet<>();

  private long nameBytes;

  /** What to do with the content of a member. */
  @FunctionalInterface
  interface Keeper {

    /**
     * Keeps a regular file: the bytes that are stored of it.
     *
     * @param path where it is
     * @param reader stands at its content, all of which has been used afterwards
     * @return what it is to be known as
     */
    Node keep(String path, TarHeader header, TarReader reader) throws IOException;
  }

  /** Walks through {@code tar}, which is read to its end. */
  void walk(InputStream tar, Limits limits, Keeper keeper) throws IOException {
    TarReader reader =
        new TarReader(
            tar, limits.toBuilder().maxEntries(MAX_MEMBERS).build(), TarReader.RawBytes.NONE);
    TarHeader header = first(reader);
    while (header != null) {
      Interrupts.check("reading the image archive");
      add(header, reader, keeper);
      header = reader.next();
    }
    reader.drainTail();
    for (String path : List.copyOf(documents)) {
      requireOnce(path);
    }
  }

  private static @Nullable TarHeader first(TarReader reader) throws IOException {
    try {
      return reader.next();
    } catch (NotTarException e) {
      throw new InvalidImageException(
          "not an image archive: it looks like " + e.format().description(), e);
    }
  }

  private void add(TarHeader header, TarReader reader, Keeper keeper) throws IOException {
    List<String> names = names(text(header.name()));
    if (header.isGlobalHeader() || names.isEmpty()) {
      reader.skipPayload();
      return;
    }
    if (names.contains("..")) {
      throw new InvalidImageException(
          "invalid archive: the member "
              + ArchiveText.quoted(text(header.name()))
              + " leads out of it");
    }
    String path = String.join("/", names);
    noteName(header, path);
    Node node =
        switch (header.type()) {
          case FILE -> whole(header, keeper.keep(path, header, reader));
          case DIRECTORY -> new Directory();
          case SYMLINK -> new Link(text(header.linkName()));
          case HARD_LINK -> new Link("/" + text(header.linkName()));
          case CHARACTER_DEVICE, BLOCK_DEVICE -> new Special("a device");
          default -> new Special("a named pipe");
        };
    Node before = nodes.put(path, node);
    if (before != null && !(before instanceof Directory && node instanceof Directory)) {
      repeated.add(path);
    }
    for (int i = 1; i < names.size(); i++) {
      String parent = String.join("/", names.subList(0, i));
      if (nodes.putIfAbsent(parent, new Directory()) == null) {
        noteName(header, parent);
      }
    }
  }

  /** A regular file as it was before it was stored without its holes. */
  private static Node whole(TarHeader header, Node kept) {
    List<FileContent.Extent> extents = header.extents();
    return extents != null && kept instanceof File file
        ? new File(Blob.sparse(file.blob(), extents, header.size()))
        : kept;
  }

  private void noteName(TarHeader header, String path) throws ArchiveException {
    nameBytes += path.length();
    if (nameBytes > MAX_NAME_BYTES) {
      throw ArchiveException.limitExceeded(
          header.index(), header.name().toString(), "total length of names", MAX_NAME_BYTES);
    }
  }

  private static String text(ByteString bytes) {
    return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
  }

  @Override
  @Nullable Node node(List<String> path) {
    return nodes.get(String.join("/", path));
  }

  @Override
  Collection<String> rootNames() {
    Set<String> names = new TreeSet<>();
    for (String path : nodes.keySet()) {
      if (path.indexOf('/') < 0) {
        names.add(path);
      }
    }
    return names;
  }

  /** Which of the two would count is anybody's guess. */
  @Override
  void requireOnce(String path) throws InvalidImageException {
    documents.add(path);
    if (repeated.contains(path)) {
      throw new InvalidImageException(
          "the archive has "
              + ArchiveText.quoted(path)
              + " more than once, so that readers may differ on what it holds");
    }
  }

  @Override
  public void close() {}
}
