package io.layerstore.core.tarsplit;

import io.layerstore.driver.MadeStream;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * An archive with zeros in place of the content of its files, made from its tar-split alone: for
 * whoever wants the headers.
 *
 * <p>Skipping over content costs nothing. Used by one thread at a time; closes the reader.
 */
public final class HeadersStream extends MadeStream {

  private final EntryReader entries;
  private byte[] segment = {};
  private int segmentAt;
  private long zeros;

  /** The file whose zeros come, or came last. */
  private Entry.@Nullable FileEntry file;

  private long given;

  /** Makes the archive of the tar-split that {@code entries} reads from its beginning. */
  public HeadersStream(EntryReader entries) {
    this.entries = entries;
  }

  @Override
  protected int make(byte[] target, int offset, int length) throws IOException {
    if (!advance()) {
      return -1;
    }
    if (zeros > 0) {
      int count = (int) Math.min(length, zeros);
      Arrays.fill(target, offset, offset + count, (byte) 0);
      zeros -= count;
      given += count;
      return count;
    }
    int count = Math.min(length, segment.length - segmentAt);
    System.arraycopy(segment, segmentAt, target, offset, count);
    segmentAt += count;
    given += count;
    return count;
  }

  /** Skips what is left of one content at the most. */
  @Override
  public long skip(long count) throws IOException {
    if (count <= 0 || segmentAt < segment.length || (zeros == 0 && !advance())) {
      return 0;
    }
    long skipped = Math.min(count, zeros);
    zeros -= skipped;
    given += skipped;
    return skipped;
  }

  /**
   * What the tar-split says of the file whose content comes next, if nothing of that was read and
   * nothing comes before it; else null.
   */
  public Entry.@Nullable FileEntry nextFile() throws IOException {
    Entry.FileEntry next = advance() && segmentAt == segment.length ? file : null;
    return next != null && zeros == next.sizeBytes() ? next : null;
  }

  /** How many bytes of the archive have been given out or skipped. */
  public long given() {
    return given;
  }

  private boolean advance() throws IOException {
    while (zeros == 0 && segmentAt == segment.length) {
      Entry entry = entries.next();
      if (entry == null) {
        return false;
      }
      if (entry instanceof Entry.FileEntry content) {
        zeros = content.sizeBytes();
        file = content;
      } else {
        segment = ((Entry.SegmentEntry) entry).bytes().toByteArray();
        segmentAt = 0;
      }
    }
    return true;
  }

  @Override
  protected void closeSources() throws IOException {
    entries.close();
  }
}
