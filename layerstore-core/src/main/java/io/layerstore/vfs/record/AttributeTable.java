package io.layerstore.vfs.record;

import io.layerstore.ByteString;
import io.layerstore.StoreCorruptedException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A file of attribute records sorted by key, for looking one up and for reading from one on.
 *
 * <pre>
 * table   = "layerstore vfs attributes 1\n" block* offset* trailer
 * block   = length:4 crc:4 item*          some 16 KiB of items, in ascending order of keys
 * offset  = position:8                    where a block begins
 * trailer = offsets:8 blocks:8 records:8 root:8 crc:4 "LSVA"
 * </pre>
 *
 * Numbers are big-endian, the checksums CRC-32C of what is between them and the thing before; items
 * are those of {@link AttributeCodec}. A file that begins with another version is refused.
 *
 * <p>Keeps eight bytes for each block, the first keys of some, and the few blocks used last. Not
 * safe for use by many threads.
 */
public final class AttributeTable implements Closeable {

  private static final String NAME = "layerstore vfs attributes ";
  public static final byte[] MAGIC = (NAME + "1\n").getBytes(StandardCharsets.US_ASCII);
  public static final int BLOCK_HEADER_BYTES = 8;
  public static final int TRAILER_BYTES = 4 * Long.BYTES + 2 * Integer.BYTES;
  public static final int END = 0x4c535641;

  private static final int CACHED_BLOCKS = 32;
  private static final long MAX_FIRST_KEYS_BYTES = 2 << 20;
  private static final int MAX_CACHED_BYTES = 64 << 10;

  private final Path path;
  private final FileChannel channel;
  private final long size;
  private final long[] offsets;

  /** The first keys of blocks, as far as they are known. */
  private final @Nullable ByteString[] firstKeys;

  private long firstKeysBytes;
  private final long indexOffset;
  private final long records;
  private final long root;
  private final Map<Integer, byte[]> cache =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, byte[]> eldest) {
          return size() > CACHED_BLOCKS;
        }
      };

  private AttributeTable(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    size = channel.size();
    requireMagic(size);
    if (size < MAGIC.length + TRAILER_BYTES) {
      throw damaged("it is cut off");
    }
    ByteBuffer trailer = ByteBuffer.wrap(read(size - TRAILER_BYTES, TRAILER_BYTES));
    indexOffset = trailer.getLong();
    long blocks = trailer.getLong();
    records = trailer.getLong();
    root = trailer.getLong();
    int crc = trailer.getInt();
    long indexBytes = size - TRAILER_BYTES - indexOffset;
    if (trailer.getInt() != END
        || indexOffset < MAGIC.length
        || blocks < 0
        || blocks > Integer.MAX_VALUE / Long.BYTES
        || indexBytes != blocks * Long.BYTES) {
      throw damaged("its end is not that of a table");
    }
    byte[] index = read(indexOffset, (int) indexBytes + TRAILER_BYTES);
    CRC32C actual = new CRC32C();
    actual.update(index, 0, index.length - 2 * Integer.BYTES);
    if ((int) actual.getValue() != crc) {
      throw damaged("the checksum of its index is wrong");
    }
    offsets = new long[(int) blocks];
    firstKeys = new ByteString[offsets.length];
    ByteBuffer.wrap(index).asLongBuffer().get(offsets);
  }

  /**
   * Opens {@code path}.
   *
   * @throws StoreCorruptedException if it is no table, or one of another version
   */
  public static AttributeTable open(Path path) throws IOException {
    FileChannel channel =
        FileChannel.open(path, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
    try {
      return new AttributeTable(path, channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private void requireMagic(long size) throws IOException {
    byte[] start = read(0, (int) Math.min(size, MAGIC.length));
    if (Arrays.equals(start, MAGIC)) {
      return;
    }
    boolean isOtherVersion = new String(start, StandardCharsets.US_ASCII).startsWith(NAME);
    throw damaged(
        isOtherVersion
            ? "it is of a version that this release does not know"
            : "it is no table of attributes");
  }

  /** How many records there are. */
  public long records() {
    return records;
  }

  /** The inode of the layer's directory when the table was written; 0 if it had none. */
  public long root() {
    return root;
  }

  /** The record of {@code key}, which may be {@link AttributeRecord#GONE}; null if none. */
  public @Nullable AttributeRecord find(ByteString key) throws IOException {
    Cursor cursor = from(key);
    ByteString found = cursor.key();
    return found != null && found.equals(key) ? cursor.record() : null;
  }

  /** The records from the first whose key is not less than {@code key}. */
  public Cursor from(ByteString key) throws IOException {
    return new Cursor(key);
  }

  /** A place between two records, moving forward. */
  public final class Cursor {
    private int nextBlock;
    private AttributeCodec.Reader items = reader(new byte[0]);
    private @Nullable ByteString key;
    private @Nullable AttributeRecord record;

    private Cursor(ByteString start) throws IOException {
      nextBlock = blockOf(start);
      do {
        advance();
      } while (key != null && key.compareTo(start) < 0);
    }

    /** The key of the current record; null after the last. */
    @Nullable ByteString key() {
      return key;
    }

    /** The current record. */
    AttributeRecord record() throws IOException {
      if (key == null) {
        throw new IllegalStateException("no record");
      }
      if (record == null) {
        record = items.record();
      }
      return record;
    }

    /** Goes to the next record. */
    void advance() throws IOException {
      skipRecord();
      while (!items.hasNext()) {
        if (nextBlock >= offsets.length) {
          key = null;
          return;
        }
        items = reader(block(nextBlock++));
      }
      key = items.key();
    }

    /** Leaves the current record, which nobody may have asked for. */
    private void skipRecord() throws IOException {
      if (key != null && record == null) {
        items.skip();
      }
      record = null;
    }
  }

  /** The last block whose first key is not greater than {@code key}; 0 if there is none. */
  private int blockOf(ByteString key) throws IOException {
    int low = 0;
    int high = offsets.length - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (firstKey(middle).compareTo(key) <= 0) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  private ByteString firstKey(int index) throws IOException {
    ByteString known = firstKeys[index];
    if (known != null) {
      return known;
    }
    ByteString key = reader(block(index)).key();
    firstKeysBytes += key.length();
    if (firstKeysBytes < MAX_FIRST_KEYS_BYTES) {
      firstKeys[index] = key;
    }
    return key;
  }

  private AttributeCodec.Reader reader(byte[] items) {
    return new AttributeCodec.Reader(items, path.toString());
  }

  private byte[] block(int index) throws IOException {
    byte[] cached = cache.get(index);
    if (cached != null) {
      return cached;
    }
    long end = index + 1 < offsets.length ? offsets[index + 1] : indexOffset;
    long length = end - offsets[index] - BLOCK_HEADER_BYTES;
    if (offsets[index] < MAGIC.length || length <= 0 || length > Integer.MAX_VALUE - 64) {
      throw damaged("its index does not fit it");
    }
    ByteBuffer header = ByteBuffer.wrap(read(offsets[index], BLOCK_HEADER_BYTES));
    if (header.getInt() != length) {
      throw damaged("a block has another length than the index says");
    }
    byte[] payload = read(offsets[index] + BLOCK_HEADER_BYTES, (int) length);
    CRC32C crc = new CRC32C();
    crc.update(payload);
    if ((int) crc.getValue() != header.getInt()) {
      throw damaged("the checksum of a block is wrong");
    }
    if (payload.length <= MAX_CACHED_BYTES) {
      cache.put(index, payload);
    }
    return payload;
  }

  private byte[] read(long position, int length) throws IOException {
    if (position < 0 || position > size - length) {
      throw damaged("it is cut off");
    }
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw damaged("it is cut off");
      }
    }
    return buffer.array();
  }

  private StoreCorruptedException damaged(String problem) {
    return new StoreCorruptedException(path.toString(), problem);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
