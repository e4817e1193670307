package io.layerstore.driver;

import io.layerstore.Durability;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the small files of many layers say, in one file, so that opening a store need not read them
 * all. Whoever uses an entry first compares its stamp with the files: what does not fit is read
 * from them, so that the index is never believed over them and may be old, damaged or gone.
 *
 * <pre>
 * index = "LSINDEX1" count { entry } crc32        numbers are big-endian; count and crc32 have 4 bytes
 * entry = name parts stamp content                parts has 1 byte, stamp 8
 * name, content = length bytes                    a length has 4 bytes
 * </pre>
 *
 * <p>It is written by whoever opens the store for writing and had to read many layers; it appears
 * whole, and several writers do no harm. Safe for use by many threads.
 */
public final class LayerIndex {

  /** What the file is called, beside the layers. */
  public static final String NAME = "layerstore.index";

  private static final Logger log = LoggerFactory.getLogger(LayerIndex.class);
  private static final byte[] MAGIC = {'L', 'S', 'I', 'N', 'D', 'E', 'X', '1'};
  private static final int CRC_BYTES = 4;
  private static final int MAX_BYTES = 64 << 20;
  private static final int MODE = 0600;

  /** So few layers are read as quickly as an index would be written. */
  private static final int FEWEST_CHANGES = 128;

  /** With fewer changes than one in so many the index stays as it is. */
  private static final int UNCHANGED_FOR_A_CHANGE = 8;

  /** Of an entry without name and content. */
  private static final int FIXED_BYTES = 2 * Integer.BYTES + 1 + Long.BYTES;

  private final Path file;

  /** The file, as it is: objects for its entries would take several times the memory. */
  private final ByteBuffer known;

  /** Where its entries begin, in the order of their names. */
  private final int[] starts;

  /** Which of them are still true; guarded by itself. */
  private final BitSet kept = new BitSet();

  private final Map<String, Entry> noted = new ConcurrentHashMap<>();

  private LayerIndex(Path file, ByteBuffer known, int[] starts) {
    this.file = file;
    this.known = known;
    this.starts = starts;
  }

  /**
   * What is known of one layer.
   *
   * @param parts which files were there, in a form that the writer chooses
   * @param stamp of these files, a {@link FileStamp}
   * @param content what they say, in a form that the writer chooses
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared; 20,000 of them are made at once.
  public record Entry(int parts, long stamp, byte[] content) {}

  /** Reads the index in {@code directory}; it is empty if there is none, or none that is whole. */
  public static LayerIndex read(Path directory) {
    Path file = directory.resolve(NAME);
    try {
      byte @Nullable [] bytes = AtomicFiles.readIfExists(file, MAX_BYTES);
      if (bytes != null) {
        ByteBuffer known = ByteBuffer.wrap(bytes);
        return new LayerIndex(file, known, starts(known.duplicate()));
      }
    } catch (IOException | RuntimeException e) {
      log.debug("{} is not used: {}", file, e.toString());
    }
    return new LayerIndex(file, ByteBuffer.allocate(0), new int[0]);
  }

  /** Checks the form of a whole file, and finds its entries. */
  @SuppressWarnings("ByteBufferBackingArray") // Wraps the whole of a file.
  private static int[] starts(ByteBuffer bytes) throws IOException {
    int end = bytes.limit() - CRC_BYTES;
    if (end < MAGIC.length || bytes.getInt(end) != crc(bytes.array(), end)) {
      throw new IOException("its checksum is wrong");
    }
    byte[] magic = new byte[MAGIC.length];
    bytes.limit(end).get(magic);
    if (!Arrays.equals(magic, MAGIC)) {
      throw new IOException("it is of another version");
    }
    int count = Objects.checkIndex(bytes.getInt(), bytes.remaining() / FIXED_BYTES + 1);
    int[] starts = new int[count];
    String before = "";
    for (int i = 0; i < count; i++) {
      starts[i] = bytes.position();
      String name = new String(bytes(bytes), StandardCharsets.ISO_8859_1);
      if (name.compareTo(before) <= 0) {
        throw new IOException("its entries are not in order");
      }
      before = name;
      bytes.position(bytes.position() + 1 + Long.BYTES);
      int length = Objects.checkIndex(bytes.getInt(), bytes.remaining() + 1);
      bytes.position(bytes.position() + length);
    }
    return starts;
  }

  private static byte[] bytes(ByteBuffer in) {
    byte[] bytes = new byte[Objects.checkIndex(in.getInt(), in.remaining() + 1)];
    in.get(bytes);
    return bytes;
  }

  private static int crc(byte[] bytes, int length) {
    CRC32 crc = new CRC32();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }

  /** What was noted of the layer {@code name}; null if nothing. It fits if its stamp does. */
  public @Nullable Entry find(String name) {
    int position = position(name);
    return position < 0 ? null : entry(position);
  }

  /** Which of the entries is that of {@code name}; negative if none is. */
  private int position(String name) {
    int low = 0;
    int high = starts.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = compareName(middle, name);
      if (order == 0) {
        return middle;
      }
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -1;
  }

  private int compareName(int position, String name) {
    int start = starts[position];
    int length = known.getInt(start);
    for (int i = 0; i < Math.min(length, name.length()); i++) {
      int order = (known.get(start + Integer.BYTES + i) & 0xff) - name.charAt(i);
      if (order != 0) {
        return order;
      }
    }
    return length - name.length();
  }

  private Entry entry(int position) {
    ByteBuffer in = known.duplicate();
    int start = starts[position];
    in.position(start + Integer.BYTES + in.getInt(start));
    return new Entry(in.get() & 0xff, in.getLong(), bytes(in));
  }

  private String name(int position) {
    return new String(
        bytes(known.duplicate().position(starts[position])), StandardCharsets.ISO_8859_1);
  }

  /** Notes that the files of a layer are as {@code entry} says. */
  public void note(String name, Entry entry) {
    noted.put(name, entry);
  }

  /** Notes that the files of a layer still are as {@link #find} says. */
  public void keep(String name) {
    synchronized (kept) {
      kept.set(position(name));
    }
  }

  /**
   * Writes what was noted, if that is much more or less than there is. Not forced to the disk, and
   * a failure does no harm: then there is no index, or the old one.
   */
  public void writeIfWorthIt() {
    int changes = noted.size() + starts.length - keptCount();
    if (changes < Math.max(FEWEST_CHANGES, starts.length / UNCHANGED_FOR_A_CHANGE)) {
      return;
    }
    try {
      AtomicFiles.write(file, toBytes(), MODE, Durability.NONE);
    } catch (IOException | RuntimeException e) {
      log.debug("{} is not written: {}", file, e.toString());
    }
  }

  private int keptCount() {
    synchronized (kept) {
      return kept.cardinality();
    }
  }

  /** The file's content, with what was noted. */
  public byte[] toBytes() {
    TreeMap<String, Entry> entries = new TreeMap<>(noted);
    synchronized (kept) {
      kept.stream().forEach(position -> entries.putIfAbsent(name(position), entry(position)));
    }
    int size = MAGIC.length + Integer.BYTES + CRC_BYTES;
    for (Map.Entry<String, Entry> e : entries.entrySet()) {
      size = Math.addExact(size, FIXED_BYTES + e.getKey().length() + e.getValue().content().length);
    }
    byte[] bytes = new byte[size];
    ByteBuffer out = ByteBuffer.wrap(bytes).put(MAGIC).putInt(entries.size());
    entries.forEach(
        (name, entry) -> {
          writeBytes(out, name.getBytes(StandardCharsets.ISO_8859_1));
          out.put((byte) entry.parts()).putLong(entry.stamp());
          writeBytes(out, entry.content());
        });
    out.putInt(crc(bytes, out.position()));
    return bytes;
  }

  private static void writeBytes(ByteBuffer out, byte[] bytes) {
    out.putInt(bytes.length).put(bytes);
  }
}
