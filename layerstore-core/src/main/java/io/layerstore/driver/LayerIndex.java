package io.layerstore.driver;

import io.layerstore.Durability;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
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

  private final Path file;
  private final Map<String, Entry> known;
  private final Map<String, Entry> noted = new ConcurrentHashMap<>();

  private LayerIndex(Path file, Map<String, Entry> known) {
    this.file = file;
    this.known = known;
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
    Map<String, Entry> known = Map.of();
    try {
      byte @Nullable [] bytes = AtomicFiles.readIfExists(file, MAX_BYTES);
      if (bytes != null) {
        known = parse(ByteBuffer.wrap(bytes));
      }
    } catch (IOException | RuntimeException e) {
      log.debug("{} is not used: {}", file, e.toString());
    }
    return new LayerIndex(file, known);
  }

  @SuppressWarnings("ByteBufferBackingArray") // Wraps the whole of a file.
  private static Map<String, Entry> parse(ByteBuffer bytes) throws IOException {
    int end = bytes.limit() - CRC_BYTES;
    if (end < MAGIC.length || bytes.getInt(end) != crc(bytes.array(), end)) {
      throw new IOException("its checksum is wrong");
    }
    byte[] magic = new byte[MAGIC.length];
    bytes.limit(end).get(magic);
    if (!Arrays.equals(magic, MAGIC)) {
      throw new IOException("it is of another version");
    }
    int count = bytes.getInt();
    Map<String, Entry> entries = new HashMap<>();
    for (int i = 0; i < count; i++) {
      String name = new String(bytes(bytes), StandardCharsets.ISO_8859_1);
      entries.put(name, new Entry(bytes.get() & 0xff, bytes.getLong(), bytes(bytes)));
    }
    return entries;
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
    return known.get(name);
  }

  /** Notes that the files of a layer still are as {@code entry} says, or are now. */
  public void note(String name, Entry entry) {
    noted.put(name, entry);
  }

  /**
   * Writes what was noted, if that is much more or less than there is. Not forced to the disk, and
   * a failure does no harm: then there is no index, or the old one.
   */
  @SuppressWarnings("ReferenceEquality") // What was not noted anew.
  public void writeIfWorthIt() {
    long unchanged =
        noted.entrySet().stream().filter(e -> known.get(e.getKey()) == e.getValue()).count();
    long changes = noted.size() + known.size() - 2 * unchanged;
    if (changes < Math.max(FEWEST_CHANGES, known.size() / UNCHANGED_FOR_A_CHANGE)) {
      return;
    }
    try {
      AtomicFiles.write(file, toBytes(), MODE, Durability.NONE);
    } catch (IOException | RuntimeException e) {
      log.debug("{} is not written: {}", file, e.toString());
    }
  }

  /** The file's content, with what was noted. */
  public byte[] toBytes() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.write(MAGIC);
      out.writeInt(noted.size());
      for (Map.Entry<String, Entry> e : new TreeMap<>(noted).entrySet()) {
        writeBytes(out, e.getKey().getBytes(StandardCharsets.ISO_8859_1));
        out.writeByte(e.getValue().parts());
        out.writeLong(e.getValue().stamp());
        writeBytes(out, e.getValue().content());
      }
      out.writeInt(crc(bytes.toByteArray(), bytes.size()));
    }
    return bytes.toByteArray();
  }

  private static void writeBytes(DataOutputStream out, byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }
}
