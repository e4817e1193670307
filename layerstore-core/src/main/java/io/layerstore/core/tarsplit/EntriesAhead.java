package io.layerstore.core.tarsplit;

import io.layerstore.core.tarsplit.Entry.SegmentEntry;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The entries of a tar-split document, read some way ahead, so that who has the files can be told
 * what comes.
 *
 * <p>What fails while reading ahead is thrown when its turn comes. Not safe for use by several
 * threads.
 */
final class EntriesAhead implements Closeable {

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
