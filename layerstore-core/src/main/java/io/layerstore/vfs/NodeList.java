package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree.Node;
import io.layerstore.spi.TreeEntry;
import java.time.Instant;
import java.util.AbstractList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.RandomAccess;

/**
 * The entries of one directory in a fraction of the memory that the objects take: 64 bytes each,
 * beside their names. A directory may have hundreds of thousands.
 *
 * <p>Entries with more than the plain attributes are kept as they are. Filled once; safe to read by
 * many threads after that.
 */
final class NodeList extends AbstractList<Node> implements RandomAccess {

  /*
   * The numbers of entry i are at i * LONGS in the array: size, inode, times in seconds, then pairs
   * of 32 bits each: nanoseconds of both times, owner, and mode with the number of names.
   */
  private static final int LONGS = 7;
  private static final int SIZE = 0;
  private static final int INODE = 1;
  private static final int MODIFIED = 2;
  private static final int ACCESSED = 3;
  private static final int NANOSECONDS = 4;
  private static final int OWNER = 5;
  private static final int MODE_AND_NAMES = 6;

  private static final int DIRECTORY_FLAG = 1 << 15;

  private final LayerPath directory;
  private final ByteString[] names;
  private final long[] numbers;
  private final Map<Integer, Node> others = new HashMap<>();
  private int size;

  /** An empty list of entries of {@code directory}, of which there will be at most {@code max}. */
  NodeList(LayerPath directory, int max) {
    this.directory = directory;
    this.names = new ByteString[max];
    this.numbers = new long[Math.multiplyExact(max, LONGS)];
  }

  /** Adds an entry of the directory. */
  void append(Node node) {
    TreeEntry entry = node.entry();
    Attributes attributes = entry.attributes();
    boolean isPlain =
        (entry.type() == EntryType.FILE || entry.type() == EntryType.DIRECTORY)
            && attributes.xattrs().isEmpty()
            && node.fileId() instanceof Long
            && node.storage() == null;
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
      int flag = entry.type() == EntryType.DIRECTORY ? DIRECTORY_FLAG : 0;
      numbers[base + MODE_AND_NAMES] = pair(attributes.mode() | flag, node.names());
    } else {
      others.put(size, node);
    }
    size++;
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
    long mode = high(numbers[base + MODE_AND_NAMES]);
    Attributes attributes =
        new Attributes(
            (int) mode & 07777,
            high(numbers[base + OWNER]),
            low(numbers[base + OWNER]),
            Instant.ofEpochSecond(numbers[base + MODIFIED], high(numbers[base + NANOSECONDS])),
            Instant.ofEpochSecond(numbers[base + ACCESSED], low(numbers[base + NANOSECONDS])),
            List.of());
    LayerPath path = directory.resolve(names[index]);
    TreeEntry entry =
        (mode & DIRECTORY_FLAG) != 0
            ? TreeEntry.directory(path, attributes)
            : TreeEntry.file(path, attributes, numbers[base + SIZE]);
    return new Node(entry, numbers[base + INODE], (int) low(numbers[base + MODE_AND_NAMES]), null);
  }

  @Override
  public int size() {
    return size;
  }
}
