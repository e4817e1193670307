package io.layerstore.core.docker;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Tells which pages of a bolt database hold what is in it now. The others hold what was deleted,
 * and still can be read there for long.
 *
 * <p>Goes through the tree from the newer of the two meta pages. Whatever does not fit ends it
 * without a result: the caller then takes every page for one that counts. Memory is one bit a page
 * and the element table of one page, at most a megabyte.
 *
 * @see <a href="https://github.com/etcd-io/bbolt">bbolt, page.go and bucket.go</a>
 */
final class BoltPages {

  private static final int HEADER_BYTES = 16;
  private static final int ELEMENT_BYTES = 16;
  private static final int META_BYTES = 64;
  private static final int META_CHECKED_BYTES = 56;
  private static final int BRANCH = 0x01;
  private static final int LEAF = 0x02;
  private static final int META = 0x04;
  private static final int BUCKET = 0x01;
  private static final int MAGIC = 0xED0CDAED;
  private static final int VERSION = 2;

  /** Where the second meta page can be: at the page size, which is that of the machine. */
  private static final int[] META_OFFSETS = {0, 4096, 8192, 16384, 32768, 65536};

  private final SeekableByteChannel file;
  private final long pageBytes;
  private final long pages;
  private final Deque<Long> pending = new ArrayDeque<>();
  private final BitSet begun = new BitSet();
  private final BitSet live = new BitSet();

  /** The newest state of the database. */
  private record Meta(long pageBytes, long root, long pages, long transaction) {}

  /** The file is no database that can be followed. */
  private static final class UnknownFormatException extends IOException {
    private static final long serialVersionUID = 1L;

    UnknownFormatException(String problem) {
      super(problem);
    }
  }

  private BoltPages(SeekableByteChannel file, Meta meta) throws IOException {
    this.file = file;
    this.pageBytes = meta.pageBytes();
    this.pages = Math.min(meta.pages(), file.size() / meta.pageBytes());
  }

  /**
   * A page size and the pages that count.
   *
   * @param pageBytes the size of a page
   * @param numbers the pages
   */
  record Live(long pageBytes, BitSet numbers) {}

  /**
   * The pages that hold what is in the database, or null if that cannot be told.
   *
   * @throws IOException if the file cannot be read
   */
  static @Nullable Live find(SeekableByteChannel file) throws IOException {
    try {
      Meta meta = newest(file);
      return meta == null
          ? null
          : new Live(meta.pageBytes(), new BoltPages(file, meta).walk(meta.root()));
    } catch (UnknownFormatException e) {
      return null;
    }
  }

  private static @Nullable Meta newest(SeekableByteChannel file) throws IOException {
    Meta newest = null;
    for (int offset : META_OFFSETS) {
      Meta meta = meta(file, offset);
      if (meta != null && (newest == null || meta.transaction() > newest.transaction())) {
        newest = meta;
      }
    }
    return newest;
  }

  private static @Nullable Meta meta(SeekableByteChannel file, int offset) throws IOException {
    if (offset + HEADER_BYTES + META_BYTES > file.size()) {
      return null;
    }
    ByteBuffer page = read(file, offset, HEADER_BYTES + META_BYTES);
    int at = HEADER_BYTES;
    long pageBytes = Integer.toUnsignedLong(page.getInt(at + 8));
    boolean isMeta =
        page.getShort(8) == META
            && page.getInt(at) == MAGIC
            && page.getInt(at + 4) == VERSION
            && page.getLong(at + META_CHECKED_BYTES) == checksum(page, at)
            && page.getLong(0) * pageBytes == offset
            && pageBytes >= HEADER_BYTES + META_BYTES;
    return isMeta
        ? new Meta(pageBytes, page.getLong(at + 16), page.getLong(at + 40), page.getLong(at + 48))
        : null;
  }

  /** FNV-1a in 64 bits. */
  private static long checksum(ByteBuffer page, int at) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < META_CHECKED_BYTES; i++) {
      hash = (hash ^ (page.get(at + i) & 0xff)) * 0x100000001b3L;
    }
    return hash;
  }

  private BitSet walk(long root) throws IOException {
    begin(root);
    while (!pending.isEmpty()) {
      visit(pending.removeLast());
    }
    return live;
  }

  private void begin(long page) throws UnknownFormatException {
    if (page < 2 || page >= pages || page > Integer.MAX_VALUE || begun.get((int) page)) {
      throw new UnknownFormatException("no page " + page + ", or it is in two places");
    }
    begun.set((int) page);
    pending.addLast(page);
  }

  private void visit(long page) throws IOException {
    long offset = page * pageBytes;
    ByteBuffer header = read(file, offset, HEADER_BYTES);
    int flags = header.getShort(8);
    int count = Short.toUnsignedInt(header.getShort(10));
    long end = page + Integer.toUnsignedLong(header.getInt(12)) + 1;
    long room = (end - page) * pageBytes - HEADER_BYTES;
    if (header.getLong(0) != page
        || (flags != BRANCH && flags != LEAF)
        || end > pages
        || (long) count * ELEMENT_BYTES > room) {
      throw new UnknownFormatException("page " + page + " is neither a branch nor a leaf");
    }
    live.set((int) page, (int) end);
    ByteBuffer elements = read(file, offset + HEADER_BYTES, count * ELEMENT_BYTES);
    for (int at = 0; at < elements.limit(); at += ELEMENT_BYTES) {
      if (flags == BRANCH) {
        begin(elements.getLong(at + 8));
      } else if ((elements.getInt(at) & BUCKET) != 0) {
        long value =
            at
                + Integer.toUnsignedLong(elements.getInt(at + 4))
                + Integer.toUnsignedLong(elements.getInt(at + 8));
        beginBucket(offset + HEADER_BYTES, value, room);
      }
    }
  }

  private void beginBucket(long base, long value, long room) throws IOException {
    if (value + Long.BYTES > room) {
      throw new UnknownFormatException("a bucket is not in its page");
    }
    long root = read(file, base + value, Long.BYTES).getLong(0);
    // A small bucket has no page of its own: it is all in the value.
    if (root != 0) {
      begin(root);
    }
  }

  private static ByteBuffer read(SeekableByteChannel file, long offset, int bytes)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    file.position(offset);
    while (buffer.hasRemaining()) {
      if (file.read(buffer) < 0) {
        throw new UnknownFormatException("it ends too early");
      }
    }
    return buffer.flip();
  }
}
