package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree.Node;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/**
 * The entries of one directory in a fraction of the memory that the objects take: 64 bytes each,
 * beside their names, texts of links and extended attributes. A directory may have hundreds of
 * thousands.
 *
 * <p>Devices, and files that have copies in place of links, are kept as they are. Filled once; safe
 * to read by many threads after that.
 */
final class NodeList extends AbstractList<Node> implements RandomAccess {

  /*
   * The numbers of entry i are at i * LONGS in the array: size, inode, times in seconds, then pairs
   * of 32 bits each: nanoseconds of both times, owner, and type and mode with the number of names.
   */
  private static final int LONGS = 7;
  private static final int SIZE = 0;
  private static final int INODE = 1;
  private static final int MODIFIED = 2;
  private static final int ACCESSED = 3;
  private static final int NANOSECONDS = 4;
  private static final int OWNER = 5;
  private static final int MODE_AND_NAMES = 6;

  private static final int TYPE_SHIFT = 16;
  private static final byte[] NO_EXTRA = {};

  /** Those that are kept in numbers; a type is its place here. */
  private static final List<EntryType> TYPES =
      List.of(EntryType.FILE, EntryType.DIRECTORY, EntryType.SYMLINK);

  private final LayerPath directory;
  private final ByteString[] names;
  private final long[] numbers;
  private final Map<Integer, Node> others = new HashMap<>();

  /** The text of a link and the extended attributes; empty for an entry with neither. */
  private final byte[][] extras;

  /** The names of extended attributes: a few, that all entries share. */
  private final List<ByteString> xattrNames = new ArrayList<>();

  private final Map<ByteString, Integer> xattrNumbers = new HashMap<>();
  private int size;

  /** An empty list of entries of {@code directory}, of which there will be at most {@code max}. */
  NodeList(LayerPath directory, int max) {
    this.directory = directory;
    this.names = new ByteString[max];
    this.numbers = new long[Math.multiplyExact(max, LONGS)];
    this.extras = new byte[max][];
  }

  /** Adds an entry of the directory. */
  void append(Node node) {
    TreeEntry entry = node.entry();
    Attributes attributes = entry.attributes();
    boolean isPlain =
        TYPES.contains(entry.type()) && node.fileId() instanceof Long && node.storage() == null;
    int base = size * LONGS;
    names[size] = entry.path().name();
    if (isPlain) {
      Instant modified = attributes.modified();
      Instant accessed = attributes.accessed();
      numbers[base + SIZE] = entry.sizeBytes();
      numbers[base + INODE] = (Long) node.fileId();
      numbers[base + MODIFIED] = modified.getEpochSecond();
      numbers[base + ACCESSED] = accessed.getEpochSecond();
      numbers[base + NANOSECONDS] = pair(modified.getNano(), accessed.getNano());
      numbers[base + OWNER] = pair(attributes.uid(), attributes.gid());
      long type = (long) TYPES.indexOf(entry.type()) << TYPE_SHIFT;
      numbers[base + MODE_AND_NAMES] = pair(attributes.mode() | type, node.names());
      extras[size] = extra(entry.linkText(), attributes.xattrs());
    } else {
      others.put(size, node);
    }
    size++;
  }

  /**
   *
   *
   * <pre>
   * extra = link-text { number-of-name value }      text and value: length bytes; numbers and lengths have 4 bytes
   * </pre>
   */
  private byte[] extra(@Nullable ByteString linkText, List<Xattr> xattrs) {
    if (linkText == null && xattrs.isEmpty()) {
      return NO_EXTRA;
    }
    ByteString text = linkText == null ? ByteString.EMPTY : linkText;
    int length = Integer.BYTES + text.length();
    for (Xattr xattr : xattrs) {
      length += 2 * Integer.BYTES + xattr.value().length();
    }
    ByteBuffer extra = ByteBuffer.allocate(length);
    put(extra, text);
    for (Xattr xattr : xattrs) {
      extra.putInt(xattrNumbers.computeIfAbsent(xattr.name(), this::newXattrName));
      put(extra, xattr.value());
    }
    return extra.array();
  }

  private int newXattrName(ByteString name) {
    xattrNames.add(name);
    return xattrNames.size() - 1;
  }

  private static void put(ByteBuffer buffer, ByteString bytes) {
    buffer.putInt(bytes.length());
    buffer.put(bytes.asByteBuffer());
  }

  private static ByteString take(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.getInt()];
    buffer.get(bytes);
    return ByteString.of(bytes);
  }

  private static long pair(long high, long low) {
    return high << 32 | low;
  }

  private static long high(long pair) {
    return pair >>> 32;
  }

  private static long low(long pair) {
    return pair & 0xffff_ffffL;
  }

  @Override
  public Node get(int index) {
    if (index < 0 || index >= size) {
      throw new IndexOutOfBoundsException(index);
    }
    Node other = others.get(index);
    if (other != null) {
      return other;
    }
    int base = index * LONGS;
    ByteString linkText = ByteString.EMPTY;
    List<Xattr> xattrs = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(extras[index]);
    if (in.hasRemaining()) {
      linkText = take(in);
      while (in.hasRemaining()) {
        xattrs.add(new Xattr(xattrNames.get(in.getInt()), take(in)));
      }
    }
    long mode = high(numbers[base + MODE_AND_NAMES]);
    Attributes attributes =
        new Attributes(
            (int) mode & 07777,
            high(numbers[base + OWNER]),
            low(numbers[base + OWNER]),
            Instant.ofEpochSecond(numbers[base + MODIFIED], high(numbers[base + NANOSECONDS])),
            Instant.ofEpochSecond(numbers[base + ACCESSED], low(numbers[base + NANOSECONDS])),
            xattrs);
    LayerPath path = directory.resolve(names[index]);
    TreeEntry entry =
        switch (TYPES.get((int) (mode >> TYPE_SHIFT))) {
          case DIRECTORY -> TreeEntry.directory(path, attributes);
          case SYMLINK -> TreeEntry.symlink(path, attributes, linkText);
          default -> TreeEntry.file(path, attributes, numbers[base + SIZE]);
        };
    return new Node(entry, numbers[base + INODE], (int) low(numbers[base + MODE_AND_NAMES]), null);
  }

  @Override
  public int size() {
    return size;
  }
}
