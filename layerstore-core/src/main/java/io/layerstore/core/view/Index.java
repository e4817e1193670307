package io.layerstore.core.view;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the layers of an image hold: the tree of each layer by itself, and how they look one on top
 * of the other.
 *
 * <p>An <em>entry</em> is a name in a directory, a <em>node</em> what it names: hard links are
 * several entries of one node. Both are numbers, and what is known of them is in columns, about 70
 * bytes for a file with a name of 20. The entries of a directory follow each other, sorted by name
 * as bytes; a <em>range</em> says where they are. A directory has two ranges, one of its own layer
 * and one of all layers together, where a directory of the same path below adds its entries.
 *
 * <p>Immutable once its layers are added; safe for use by many threads then.
 */
@SuppressWarnings("EnumOrdinal") // In memory only.
final class Index {

  /**
   * A layer.
   *
   * @param diffId what it is; null for one that can still change
   * @param chainId what it is with those below; null for one that can still change
   */
  record Layer(@Nullable DiffId diffId, @Nullable ChainId chainId) {}

  static final int NONE = -1;

  // Of a mode, after the twelve bits of permission and four of the type.
  static final int OPAQUE = 1 << 16;
  static final int IMPLIED = 1 << 17;
  static final int UNCHECKED = 1 << 18;

  /** Of a merged directory: layers that are not known may have more in it. */
  static final int OPEN = 1 << 19;

  private static final int PERMISSIONS = 07777;
  private static final int TYPE_SHIFT = 12;
  private static final int TYPE_MASK = 0xf;
  private static final List<EntryType> TYPES = List.of(EntryType.values());

  /** In a range: its entries are listed in {@link #merged} and do not follow each other. */
  private static final long LISTED = 1L << 63;

  private static final int NANOS = 1_000_000_000;

  private final List<Layer> layers = new ArrayList<>();
  private final Columns.Ints firstNodes = new Columns.Ints();
  private final Columns.Ints roots = new Columns.Ints();

  // Of entries.
  private final Columns.Ints names = new Columns.Ints();
  private final Columns.Ints nodes = new Columns.Ints();
  private final Columns.Ints merged = new Columns.Ints();

  // Of nodes.
  private final Columns.Ints modes = new Columns.Ints();
  private final Columns.Longs owners = new Columns.Longs();
  private final Columns.Longs modified = new Columns.Longs();
  private final Columns.Longs accessed = new Columns.Longs();
  private final Columns.Longs data = new Columns.Longs();
  private final Columns.Longs more = new Columns.Longs();
  private final Columns.Ints xattrs = new Columns.Ints();
  private final Columns.Ints otherLinks = new Columns.Ints();

  private final BytePool pool = new BytePool();

  /** Of a hard link to a file of a layer below, which is a copy of it: the node it is a copy of. */
  private final Map<Integer, Integer> copies = new HashMap<>();

  private final boolean isPartial;

  /**
   * An index without layers.
   *
   * @param isPartial whether there are layers below those that are added
   */
  Index(boolean isPartial) {
    this.isPartial = isPartial;
  }

  // What there is.

  /** The layers, the lowest first. */
  List<Layer> layers() {
    return layers;
  }

  int entryCount() {
    return names.size();
  }

  int nodeCount() {
    return modes.size();
  }

  /** The root directory of layer number {@code layer}. */
  int root(int layer) {
    return roots.get(layer);
  }

  /** The number of the layer that {@code node} is of. */
  int layer(int node) {
    int low = 0;
    int high = firstNodes.size() - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (firstNodes.get(middle) <= node) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /** The number of {@code node} among those of its layer. */
  int numberInLayer(int node) {
    return node - firstNodes.get(layer(node));
  }

  /** Whether there are layers below those that are known. */
  boolean isPartial() {
    return isPartial;
  }

  int node(int entry) {
    return nodes.get(entry);
  }

  ByteString name(int entry) {
    return pool.get(names.get(entry));
  }

  int nameLength(int entry) {
    return pool.length(names.get(entry));
  }

  void copyName(int entry, byte[] target, int offset) {
    pool.copy(names.get(entry), target, offset);
  }

  /** Compares the names of two entries. */
  int compareNames(int left, int right) {
    return pool.compare(names.get(left), names.get(right));
  }

  EntryType type(int node) {
    return TYPES.get((modes.get(node) >>> TYPE_SHIFT) & TYPE_MASK);
  }

  boolean isDirectory(int node) {
    return type(node) == EntryType.DIRECTORY;
  }

  boolean has(int node, int flag) {
    return (modes.get(node) & flag) != 0;
  }

  /** The twelve bits of permission. */
  int mode(int node) {
    return modes.get(node) & PERMISSIONS;
  }

  long uid(int node) {
    return owners.get(node) >>> 32;
  }

  long gid(int node) {
    return owners.get(node) & 0xffff_ffffL;
  }

  long modifiedNanos(int node) {
    return modified.get(node);
  }

  long accessedNanos(int node) {
    long nanos = accessed.get(node);
    return nanos == 0 ? modified.get(node) : nanos;
  }

  /** How many names it has in its layer. */
  int links(int node) {
    return 1 + otherLinks.get(node);
  }

  /** The length of a file in bytes; of a link that of its text; else 0. */
  long size(int node) {
    return switch (type(node)) {
      case FILE -> data.get(node);
      case SYMLINK -> pool.length((int) data.get(node));
      default -> 0;
    };
  }

  ByteString linkText(int node) {
    return pool.get((int) data.get(node));
  }

  Device device(int node) {
    return new Device(data.get(node) >>> 32, data.get(node) & 0xffff_ffffL);
  }

  /**
   * Where the content of a file is, or what its checksum is: the number that was given for it. Of a
   * copy, that of the original.
   */
  long place(int node) {
    return more.get(node);
  }

  /** The node whose content this one has: itself, but for a copy. */
  int original(int node) {
    return copies.getOrDefault(node, node);
  }

  List<Xattr> xattrs(int node) {
    int at = xattrs.get(node) - 1;
    if (at < 0) {
      return List.of();
    }
    List<Xattr> list = new ArrayList<>();
    int count = pool.length(at);
    at += 2;
    for (int i = 0; i < count; i++) {
      ByteString name = pool.get(at);
      at += 2 + name.length();
      ByteString value = pool.getValue(at);
      at += 4 + value.length();
      list.add(new Xattr(name, value));
    }
    return list;
  }

  // Directories.

  /** The entries of a directory in its own layer, whiteouts among them. */
  long ownRange(int directory) {
    return data.get(directory);
  }

  /** The entries of a directory in all layers up to its own, as they are seen. */
  long mergedRange(int directory) {
    return more.get(directory);
  }

  static int count(long range) {
    return (int) range;
  }

  int entry(long range, int index) {
    int first = (int) ((range & ~LISTED) >>> 32);
    return range < 0 ? merged.get(first + index) : first + index;
  }

  /** The entry in a range whose name is {@code path} from {@code from} to {@code to}, or none. */
  int find(long range, byte[] path, int from, int to) {
    int position = position(range, path, from, to);
    return position == NONE ? NONE : entry(range, position);
  }

  /** Which one it is in the range. */
  int position(long range, byte[] path, int from, int to) {
    int low = 0;
    int high = count(range) - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = pool.compare(names.get(entry(range, middle)), path, from, to);
      if (order == 0) {
        return middle;
      } else if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return NONE;
  }

  /** The same for a whole name. */
  int find(long range, ByteString name) {
    return find(range, name.toByteArray(), 0, name.length());
  }

  // Making one.

  /** Begins a layer; returns its root. */
  int beginLayer(Layer layer, Attributes rootAttributes) {
    layers.add(layer);
    firstNodes.add(modes.size());
    int root = addNode(EntryType.DIRECTORY, rootAttributes, IMPLIED);
    roots.add(root);
    return root;
  }

  int addNode(EntryType type, Attributes attributes, int flags) {
    int node = modes.size();
    modes.set(node, (TYPES.indexOf(type) << TYPE_SHIFT) | flags);
    setAttributes(node, attributes);
    return node;
  }

  /** All of them; a symbolic link has no mode of its own. */
  void setAttributes(int node, Attributes attributes) {
    int mode = type(node) == EntryType.SYMLINK ? 0777 : attributes.mode();
    modes.set(node, (modes.get(node) & ~PERMISSIONS) | mode);
    owners.set(node, (attributes.uid() << 32) | attributes.gid());
    long time = nanos(attributes.modified());
    modified.set(node, time);
    long access = nanos(attributes.accessed());
    if (access != time || accessed.get(node) != 0) {
      accessed.set(node, access == time ? 0 : access);
    }
    setXattrs(node, attributes.xattrs());
  }

  private void setXattrs(int node, List<Xattr> list) {
    if (list.isEmpty()) {
      if (xattrs.get(node) != 0) {
        xattrs.set(node, 0);
      }
      return;
    }
    xattrs.set(node, pool.addCount(list.size()) + 1);
    for (Xattr xattr : list) {
      pool.add(xattr.name());
      pool.addValue(xattr.value());
    }
  }

  void setFlag(int node, int flag, boolean value) {
    modes.set(node, value ? modes.get(node) | flag : modes.get(node) & ~flag);
  }

  void setData(int node, long value) {
    data.set(node, value);
  }

  long data(int node) {
    return data.get(node);
  }

  void setPlace(int node, long value) {
    more.set(node, value);
  }

  void setLinkText(int node, ByteString text) {
    data.set(node, pool.add(text));
  }

  void addLinks(int node, int change) {
    otherLinks.set(node, otherLinks.get(node) + change);
  }

  /** Makes {@code node} a copy of a file of a layer below. */
  void setCopy(int node, int original) {
    int first = original(original);
    data.set(node, data.get(first));
    more.set(node, more.get(first));
    if (type(node) == EntryType.FILE) {
      copies.put(node, first);
    }
  }

  int addName(ByteString name) {
    return pool.add(name);
  }

  ByteString pooled(int at) {
    return pool.get(at);
  }

  int comparePooled(int left, int right) {
    return pool.compare(left, right);
  }

  int comparePooled(int at, ByteString name) {
    return pool.compare(at, name.toByteArray(), 0, name.length());
  }

  /** Adds an entry in its final place. */
  int addEntry(int nameAt, int node) {
    nodes.add(node);
    return names.add(nameAt);
  }

  static long range(int first, int count) {
    return ((long) first << 32) | count;
  }

  /** The range of these entries, which need not follow each other. */
  long list(int[] entries, int count) {
    boolean isSequence = true;
    for (int i = 1; i < count && isSequence; i++) {
      isSequence = entries[i] == entries[0] + i;
    }
    if (count == 0 || isSequence) {
      return range(count == 0 ? 0 : entries[0], count);
    }
    int first = merged.size();
    for (int i = 0; i < count; i++) {
      merged.add(entries[i]);
    }
    return range(first, count) | LISTED;
  }

  void trim() {
    for (Columns.Ints column : List.of(names, nodes, merged, modes, xattrs, otherLinks)) {
      column.trim();
    }
    for (Columns.Longs column : List.of(owners, modified, accessed, data, more)) {
      column.trim();
    }
    pool.trim();
  }

  private static long nanos(Instant time) {
    try {
      return Math.addExact(Math.multiplyExact(time.getEpochSecond(), NANOS), time.getNano());
    } catch (ArithmeticException e) {
      return time.getEpochSecond() < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
    }
  }

  /** The time that is so many nanoseconds after 1970. */
  static Instant time(long nanos) {
    return Instant.ofEpochSecond(Math.floorDiv(nanos, NANOS), Math.floorMod(nanos, NANOS));
  }

  // The layers below.

  /**
   * The directories that make the merged directory {@code path} in the layers up to {@code top},
   * the highest first; empty if it is no directory there. Links are not followed.
   */
  List<Integer> directories(LayerPath path, int top) {
    List<Integer> stack = new ArrayList<>();
    for (int layer = top; layer >= 0; layer--) {
      stack.add(root(layer));
      if (has(root(layer), OPAQUE)) {
        break;
      }
    }
    for (ByteString name : path.names()) {
      stack = below(stack, name);
    }
    return stack;
  }

  private List<Integer> below(List<Integer> stack, ByteString name) {
    List<Integer> found = new ArrayList<>();
    for (int directory : stack) {
      int entry = find(ownRange(directory), name);
      if (entry == NONE) {
        continue;
      }
      int node = node(entry);
      if (!isDirectory(node)) {
        break;
      }
      found.add(node);
      if (has(node, OPAQUE)) {
        break;
      }
    }
    return found;
  }
}
