package io.layerstore.core.tarsplit;

import com.google.common.io.Closer;
import io.layerstore.ByteString;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.core.tarsplit.Entry.SegmentEntry;
import io.layerstore.core.work.BackgroundOutputStream;
import io.layerstore.driver.MadeStream;
import io.layerstore.driver.PathSet;
import io.layerstore.spi.FileGetter;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The exact tar of a layer, put together from its tar-split document and its files while it is
 * read.
 *
 * <p>The reader must hold what it got for unverified until the end: a file's checksum can only be
 * compared once its bytes are through, and the digest of the whole at last. But it cannot miss a
 * failure: every one is thrown from {@code read}, before the last byte of what did not verify is
 * handed out, and again from each further {@code read}; there is no short stream. What is checked
 * before the first byte of a file: that its name stays inside the layer, that no file came twice
 * under one name, and, by the {@link FileGetter}, that it is a regular file of the size recorded.
 *
 * <ul>
 *   <li>{@link LayerVerificationException}: a file is missing or was changed
 *   <li>{@link LayerVerificationException}: all files are right, the whole is not
 *   <li>{@link StoreCorruptedException}: the document is damaged
 * </ul>
 *
 * <p>The document is read ahead, and the {@link FileGetter} told which files come; the digest is
 * computed beside. Memory is bounded by two megabytes, the longest segment and 16 bytes a file. Not
 * safe for use by several threads.
 *
 * @see <a href="https://github.com/vbatts/tar-split">tar-split 0.12.1, tar/asm/assemble.go</a>
 */
public final class AssembledStream extends MadeStream {

  private final String documentFile;
  private final EntriesAhead entries;
  private final FileGetter files;
  private final DiffId expected;

  // Docker compares names without resolving them at the root: a and /a are two files to it, and
  // both can be exported if they have one content.
  private final PathSet seenRelative = new PathSet();
  private final PathSet seenAbsolute = new PathSet();

  private final MessageDigest sha256 = Digest.Algorithm.SHA256.newMessageDigest();

  /** Hashes beside what is put together. */
  private final BackgroundOutputStream hashed;

  // What comes next: a rest of a segment, a rest of a file, or nothing yet.
  private ByteString segment = ByteString.EMPTY;
  private int segmentPosition;
  private @Nullable OpenFile file;

  private boolean started;
  private boolean ended;

  /**
   * Reads {@code document} and {@code files}; both are closed with this.
   *
   * @param document the tar-split document, already decompressed
   * @param documentFile the name of the file it comes from, for messages
   * @param files opens the files of the layer
   * @param expected the digest that the whole must have
   * @param executor where the digest is computed
   */
  public AssembledStream(
      InputStream document,
      String documentFile,
      FileGetter files,
      DiffId expected,
      Executor executor) {
    this.documentFile = documentFile;
    this.entries = new EntriesAhead(new EntryReader(document, documentFile), this::announce);
    this.files = files;
    this.expected = expected;
    this.hashed =
        new BackgroundOutputStream(
            new DigestOutputStream(OutputStream.nullOutputStream(), sha256), executor);
  }

  /** Makes {@code length} bytes, fewer only at the end. */
  @Override
  protected int make(byte[] target, int offset, int length) throws IOException {
    if (!started) {
      started = true;
      advance();
    }
    int done = 0;
    while (done < length && !ended) {
      int count =
          file != null
              ? file.read(target, offset + done, length - done)
              : copy(target, offset + done, length - done);
      hashed.write(target, offset + done, count);
      done += count;
      // Going on at once, and not when the next byte is asked for, is what finds a failure before
      // the last byte is out.
      advance();
    }
    return done == 0 ? -1 : done;
  }

  private int copy(byte[] target, int offset, int length) {
    int count = Math.min(length, segment.length() - segmentPosition);
    segment.asByteBuffer().position(segmentPosition).get(target, offset, count);
    segmentPosition += count;
    return count;
  }

  /** Goes on to an entry that has bytes left, or to the end. */
  private void advance() throws IOException {
    while (!hasBytes()) {
      Entry entry = entries.next();
      if (entry == null) {
        ended = true;
        verifyDigest();
        return;
      } else if (entry instanceof SegmentEntry next) {
        segment = next.bytes();
        segmentPosition = 0;
      } else if (entry instanceof FileEntry next && next.sizeBytes() > 0) {
        file = open(next);
      }
    }
  }

  private void announce(Entry entry) throws LayerStoreException {
    if (entry instanceof FileEntry next && next.sizeBytes() > 0) {
      LayerPath path = LayerPath.normalise(next.name()).orElse(null);
      if (path != null && !path.isRoot()) {
        files.announceOpen(path, next.sizeBytes());
      }
    }
  }

  private boolean hasBytes() throws IOException {
    if (file != null && file.remaining == 0) {
      OpenFile complete = file;
      file = null;
      complete.finish();
    }
    return file != null || segmentPosition < segment.length();
  }

  private OpenFile open(FileEntry entry) throws IOException {
    LayerPath path = LayerPath.normalise(entry.name()).orElse(null);
    if (path == null || path.isRoot()) {
      throw new StoreCorruptedException(
          documentFile, "the name \"" + entry.name() + "\" is not that of a file in the layer");
    }
    PathSet seen = entry.name().at(0) == '/' ? seenAbsolute : seenRelative;
    if (!seen.add(path)) {
      throw new StoreCorruptedException(
          documentFile, "duplicates of file paths not supported: \"" + entry.name() + "\"");
    }
    return new OpenFile(entry, path, files.open(path, entry.sizeBytes()));
  }

  private void verifyDigest() throws IOException {
    hashed.flush();
    Digest actual = Digest.sha256(sha256.digest());
    if (!actual.equals(expected.digest())) {
      throw new LayerVerificationException(
          "could not verify layer data for: "
              + expected
              + ". This may be because internal files in the layer store were modified. Registering the layer again heals it",
          expected.digest(),
          actual);
    }
  }

  /** Closes the document, the open file and the {@link FileGetter}. */
  @Override
  protected void closeSources() throws IOException {
    Closer closer = Closer.create();
    closer.register(hashed::abandon);
    closer.register(files::close);
    closer.register(entries);
    if (file != null) {
      closer.register(file);
      file = null;
    }
    closer.close();
  }

  /** The file whose content comes next. */
  private static final class OpenFile implements Closeable {
    private final FileEntry entry;
    private final LayerPath path;
    private final InputStream content;
    private final Crc64 crc = new Crc64();
    private long remaining;

    OpenFile(FileEntry entry, LayerPath path, InputStream content) {
      this.entry = entry;
      this.path = path;
      this.content = content;
      this.remaining = entry.sizeBytes();
    }

    int read(byte[] target, int offset, int length) throws IOException {
      int count = content.read(target, offset, (int) Math.min(length, remaining));
      if (count < 0) {
        throw changed(); // it shrank after it was opened
      }
      crc.update(target, offset, count);
      remaining -= count;
      return count;
    }

    /** Closes it, after all of it was read, and compares the checksum. */
    void finish() throws IOException {
      content.close();
      if (crc.getValue() != entry.crc()) {
        throw changed();
      }
    }

    private LayerVerificationException changed() {
      return new LayerVerificationException(
          "file integrity checksum failed for \"" + entry.name() + "\"", path.toString(), null);
    }

    @Override
    public void close() throws IOException {
      content.close();
    }
  }

  /**
   * The entries of a tar-split document, read some way ahead, so that who has the files can be told
   * what comes.
   *
   * <p>What fails while reading ahead is thrown when its turn comes. Not safe for use by several
   * threads.
   */
  private static final class EntriesAhead implements Closeable {

    private static final int MAX_ENTRIES = 512;
    private static final int MAX_BYTES = 512 << 10;

    /** Told of each entry when it has been read. */
    @FunctionalInterface
    interface Announcer {
      void announce(Entry entry) throws IOException;
    }

    private final EntryReader reader;
    private final Announcer announcer;
    private final Deque<Entry> ahead = new ArrayDeque<>();
    private int aheadBytes;
    private boolean hasEnded;
    private @Nullable IOException failure;

    /** Reads with {@code reader}, which is closed with this. */
    EntriesAhead(EntryReader reader, Announcer announcer) {
      this.reader = reader;
      this.announcer = announcer;
    }

    /** The next entry, or null at the end of the document; throws what {@link EntryReader} does. */
    @Nullable Entry next() throws IOException {
      if (ahead.size() < MAX_ENTRIES / 2 && aheadBytes < MAX_BYTES / 2) {
        readAhead();
      }
      Entry entry = ahead.poll();
      if (entry == null && failure != null) {
        throw failure;
      }
      aheadBytes -= sizeOf(entry);
      return entry;
    }

    private void readAhead() {
      try {
        while (!hasEnded && ahead.size() < MAX_ENTRIES && aheadBytes < MAX_BYTES) {
          Entry entry = reader.next();
          if (entry == null) {
            hasEnded = true;
            return;
          }
          ahead.add(entry);
          aheadBytes += sizeOf(entry);
          announcer.announce(entry);
        }
      } catch (IOException e) {
        hasEnded = true;
        failure = e;
      }
    }

    private static int sizeOf(@Nullable Entry entry) {
      return entry instanceof SegmentEntry segment ? segment.bytes().length() : 0;
    }

    @Override
    public void close() throws IOException {
      reader.close();
    }
  }
}
