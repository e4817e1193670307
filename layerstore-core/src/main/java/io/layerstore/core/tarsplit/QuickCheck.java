package io.layerstore.core.tarsplit;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.core.tarsplit.Entry.SegmentEntry;
import io.layerstore.spi.FileGetter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether the files of a layer have the types and sizes that its tar-split document says,
 * without reading them, and whether what has no content is there: empty files, links and
 * directories.
 */
public final class QuickCheck {

  private static final int BLOCK_BYTES = 512;
  private static final int TYPE_FLAG_OFFSET = 156;
  private static final byte DIRECTORY = '5';
  private static final ByteString MARK = ByteString.utf8(".wh.");

  /** Entries that are missing, of which one that should not be is enough. */
  private static final int MAX_MISSING = 64;

  private QuickCheck() {}

  /** Opens the files of the layer. */
  @FunctionalInterface
  public interface Files {
    /** Opens them. */
    FileGetter open() throws LayerStoreException;
  }

  /**
   * Looks at the files of every entry of {@code document}.
   *
   * @param document the tar-split document, already decompressed; read up to the end of its last
   *     entry at least, and closed
   * @param documentFile the name of the file it comes from, for messages
   * @param files only opened if there is anything to look at
   * @return entries without content that are not there, as many as it takes to find some that
   *     should be; see {@link #unexplained}
   * @throws StoreCorruptedException if the document is damaged
   * @throws io.layerstore.LayerVerificationException if a file is missing, no regular file, or of
   *     another size
   */
  public static Set<LayerPath> run(InputStream document, String documentFile, Files files)
      throws IOException {
    byte type = 0;
    try (EntryReader entries = new EntryReader(document, documentFile);
        Looker looker = new Looker(files)) {
      for (Entry entry = entries.next(); entry != null; entry = entries.next()) {
        if (entry instanceof SegmentEntry segment) {
          type = typeOfLast(segment.bytes());
        } else if (entry instanceof FileEntry file && file.sizeBytes() > 0) {
          looker.lookSoon(pathOf(file, documentFile), file.sizeBytes());
        } else if (entry instanceof FileEntry file) {
          LayerPath path = isKept(type) ? LayerPath.normalise(file.name()).orElse(null) : null;
          if (path != null && !isMark(path)) {
            looker.lookSoon(path, 0);
          }
        }
      }
      looker.lookAtRest();
      // What follows the last entry, so that the checksum of the whole is compared.
      document.transferTo(OutputStream.nullOutputStream());
      return looker.missing;
    }
  }

  private static LayerPath pathOf(FileEntry file, String documentFile)
      throws StoreCorruptedException {
    LayerPath path = LayerPath.normalise(file.name()).orElse(null);
    if (path == null || path.isRoot()) {
      throw new StoreCorruptedException(
          documentFile, "the name \"" + file.name() + "\" is not that of a file in the layer");
    }
    return path;
  }

  /**
   * Those of {@code missing} whose absence nothing in the archive explains: no second entry of the
   * same name, no deletion, and nothing but directories above.
   *
   * @param document as for {@link #run}, from its beginning
   */
  public static Set<LayerPath> unexplained(
      InputStream document, String documentFile, Set<LayerPath> missing) throws IOException {
    Set<LayerPath> once = new HashSet<>();
    Set<LayerPath> left = new HashSet<>(missing);
    byte type = 0;
    try (EntryReader entries = new EntryReader(document, documentFile)) {
      for (Entry entry = entries.next(); entry != null; entry = entries.next()) {
        if (entry instanceof SegmentEntry segment) {
          type = typeOfLast(segment.bytes());
        } else if (entry instanceof FileEntry file) {
          LayerPath path = LayerPath.normalise(file.name()).orElse(null);
          if (path == null || path.isRoot()) {
            continue;
          }
          if (missing.contains(path) && !once.add(path)) {
            left.remove(path);
          }
          LayerPath deleted = deletedBy(path);
          if (deleted != null) {
            left.removeIf(one -> one.startsWith(deleted));
          } else if (type != DIRECTORY) {
            left.removeIf(one -> !one.equals(path) && one.startsWith(path));
          }
        }
      }
    }
    return left;
  }

  /** What a whiteout deletes, with all below; null if it is none. */
  private static @Nullable LayerPath deletedBy(LayerPath path) {
    ByteString name = path.name();
    if (!name.startsWith(MARK) || name.equals(MARK)) {
      return null;
    }
    LayerPath parent = path.parent();
    return name.startsWith(ByteString.utf8(".wh..wh."))
        ? parent
        : parent.resolve(name.substring(MARK.length()));
  }

  /** The type of the entry whose header ends {@code bytes}; 0 if that cannot be told. */
  private static byte typeOfLast(ByteString bytes) {
    return bytes.length() < BLOCK_BYTES
        ? 0
        : bytes.at(bytes.length() - BLOCK_BYTES + TYPE_FLAG_OFFSET);
  }

  /** Whether every driver has a name for entries of the type: a file, a link or a directory. */
  private static boolean isKept(byte type) {
    return (type >= '0' && type <= '2') || type == DIRECTORY;
  }

  /** Whether it is, or is below, something that says what is deleted. */
  private static boolean isMark(LayerPath path) {
    LayerPath at = path;
    while (!at.isRoot()) {
      if (at.name().startsWith(MARK)) {
        return true;
      }
      at = at.parent();
    }
    return path.isRoot();
  }

  /** Looks at what is wanted some way behind the document, so that the files know what comes. */
  private static final class Looker implements AutoCloseable {

    private static final int MAX_WANTED = 512;

    /**
     * An entry.
     *
     * @param sizeBytes of its content; 0 for what has none
     */
    private record Wanted(LayerPath path, long sizeBytes) {}

    private final Files files;
    private final Deque<Wanted> wanted = new ArrayDeque<>();
    private final Set<LayerPath> missing = new HashSet<>();
    private @Nullable FileGetter getter;

    Looker(Files files) {
      this.files = files;
    }

    void lookSoon(LayerPath path, long sizeBytes) throws LayerStoreException {
      FileGetter open = getter;
      if (open == null) {
        open = files.open();
        getter = open;
      }
      open.announceLook(path);
      wanted.add(new Wanted(path, sizeBytes));
      if (wanted.size() >= MAX_WANTED) {
        look(open);
      }
    }

    void lookAtRest() throws LayerStoreException {
      while (getter != null && !wanted.isEmpty()) {
        look(getter);
      }
    }

    private void look(FileGetter open) throws LayerStoreException {
      Wanted next = wanted.remove();
      if (next.sizeBytes > 0) {
        open.check(next.path, next.sizeBytes);
      } else if (missing.size() < MAX_MISSING && !open.exists(next.path)) {
        missing.add(next.path);
      }
    }

    @Override
    public void close() throws LayerStoreException {
      if (getter != null) {
        getter.close();
      }
    }
  }
}
