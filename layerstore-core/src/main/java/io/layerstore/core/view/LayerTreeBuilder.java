package io.layerstore.core.view;

import static java.util.Objects.requireNonNull;

import com.google.common.hash.HashFunction;
import com.google.common.hash.Hashing;
import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.driver.rooted.LinkText;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Adds one layer to an index, entry by entry, with the outcome that unpacking it into a directory
 * of its own has: as Docker's overlay2 unpacks, which does not see the layers below. Links on the
 * way to an entry are followed inside the layer, missing directories are made, what is in the way
 * is replaced.
 *
 * <p>One difference: a hard link to a file that only a layer below has, which overlay2 refuses,
 * becomes a copy of that file, as it does where a layer is unpacked onto a copy of those below.
 */
final class LayerTreeBuilder {

  private static final SecureRandom RANDOM = new SecureRandom();
  private static final ByteString PARENT = ByteString.utf8("..");
  private static final ByteString CAPABILITY = ByteString.utf8("security.capability");
  private static final Attributes IMPLIED = Attributes.of(0755, Instant.EPOCH);

  private static final int MAX_LINKS = 255;
  private static final int LINK_STEPS_EACH = 100;
  private static final int LINK_STEPS_FREE = 100_000;
  private static final int MAX_TEXT_BYTES = 0xffff;
  private static final int SET_GID = 02000;
  private static final int DEAD = -1;

  /** Keyed, so that whoever makes an archive cannot choose names that crowd one place. */
  private final HashFunction hash = Hashing.sipHash24(RANDOM.nextLong(), RANDOM.nextLong());

  private final Index index;
  private final int layer;
  private final int root;

  // Of the names so far: the directory, or DEAD; the name, the node, the next name in the
  // directory.
  private final Columns.Ints parents = new Columns.Ints();
  private final Columns.Ints names = new Columns.Ints();
  private final Columns.Ints nodes = new Columns.Ints();
  private final Columns.Ints nexts = new Columns.Ints();

  /** Numbers of names, plus 1, by directory and name; at least twice as long as there are names. */
  private int[] table = new int[1 << 10];

  private long linkStepsLeft = LINK_STEPS_FREE;
  private @Nullable LayerPath walked;
  private int walkedTo;
  private boolean isThroughLink;

  /** Begins a layer on those that the index has. */
  LayerTreeBuilder(Index index, Index.Layer layer) {
    this.index = index;
    this.layer = index.layers().size();
    this.root = index.beginLayer(layer, IMPLIED);
    setParent(root, root);
    setFirst(root, DEAD);
  }

  // While a layer is made, a directory has its first name and the directory it is in where its
  // ranges will be.

  private int first(int directory) {
    return (int) index.data(directory);
  }

  private void setFirst(int directory, int name) {
    index.setData(directory, name);
  }

  private int parent(int directory) {
    return (int) index.place(directory);
  }

  private void setParent(int directory, int parent) {
    index.setPlace(directory, parent);
  }

  /** Whether links led the last entry to another place than its own name. */
  boolean isThroughLink() {
    return isThroughLink;
  }

  /**
   * Adds an entry.
   *
   * @param place where its content is, or its checksum
   * @param flags of a file's node
   * @return its node; none for a mark
   */
  int add(TreeEntry entry, long place, int flags) throws IOException {
    LayerPath path = entry.path();
    isThroughLink = false;
    if (entry.type() == EntryType.OPAQUE) {
      index.setFlag(walk(path, true), Index.OPAQUE, true);
      return Index.NONE;
    }
    if (path.isRoot()) {
      return root;
    }
    if (entry.type() == EntryType.HARD_LINK) {
      return addHardLink(entry);
    }
    int directory = walk(path.parent(), true);
    int existing = find(directory, path.name());
    if (isDeletion(entry)) {
      return addWhiteout(entry, directory, existing);
    }
    if (entry.type() == EntryType.DIRECTORY
        && existing != DEAD
        && index.isDirectory(nodes.get(existing))) {
      int node = nodes.get(existing);
      give(node, entry.attributes());
      index.setFlag(node, Index.IMPLIED, false);
      return node;
    }
    if (existing != DEAD) {
      remove(existing);
    }
    int node = index.addNode(entry.type(), entry.attributes(), flags);
    switch (entry.type()) {
      case FILE -> {
        index.setData(node, entry.sizeBytes());
        index.setPlace(node, place);
      }
      case SYMLINK -> index.setLinkText(node, text(entry));
      case CHARACTER_DEVICE, BLOCK_DEVICE -> {
        Device device = requireNonNull(entry.device());
        index.setData(node, (device.major() << 32) | device.minor());
      }
      case DIRECTORY -> {
        setFirst(node, DEAD);
        setParent(node, directory);
      }
      default -> {}
    }
    put(directory, path.name(), node);
    return node;
  }

  /** A device of this number in a layer is a whiteout to the kernel. */
  private static boolean isDeletion(TreeEntry entry) {
    return entry.type() == EntryType.WHITEOUT
        || (entry.type() == EntryType.CHARACTER_DEVICE && Device.WHITEOUT.equals(entry.device()));
  }

  /**
   * What the layer has there already hides what is below; a directory does so once it is opaque.
   */
  private int addWhiteout(TreeEntry entry, int directory, int existing) {
    if (existing == DEAD) {
      int node = index.addNode(EntryType.WHITEOUT, entry.attributes().withMode(0), 0);
      put(directory, entry.path().name(), node);
      return node;
    }
    int node = nodes.get(existing);
    if (index.isDirectory(node)) {
      index.setFlag(node, Index.OPAQUE, true);
    }
    return node;
  }

  private int addHardLink(TreeEntry entry) throws IOException {
    LayerPath target = requireNonNull(entry.linkTarget());
    int from = walk(target.parent(), false);
    int found = from == DEAD ? DEAD : find(from, target.name());
    int node = found == DEAD ? DEAD : nodes.get(found);
    boolean isMissing = node == DEAD || index.type(node) == EntryType.WHITEOUT;
    int below = isMissing ? findBelow(target) : Index.NONE;
    if (isMissing && below == Index.NONE && index.isPartial()) {
      throw new LowerLayerNeededException();
    }
    if (isMissing && below == Index.NONE) {
      throw malformed(entry, "hard link to /" + target + ", which does not exist");
    }
    if (index.isDirectory(isMissing ? below : node)) {
      throw malformed(entry, "hard link to the directory /" + target);
    }
    LayerPath path = entry.path();
    int directory = walk(path.parent(), true);
    int existing = find(directory, path.name());
    if (existing != DEAD) {
      if (existing == found) {
        throw malformed(entry, "hard link to itself");
      }
      remove(existing);
    }
    if (isMissing) {
      int flags = index.has(below, Index.UNCHECKED) ? Index.UNCHECKED : 0;
      node = index.addNode(index.type(below), entry.attributes(), flags);
      index.setCopy(node, below);
    } else {
      give(node, entry.attributes());
      index.addLinks(node, 1);
    }
    put(directory, path.name(), node);
    return node;
  }

  private int findBelow(LayerPath target) {
    for (int directory : index.directories(target.parent(), layer - 1)) {
      int entry = index.find(index.ownRange(directory), target.name());
      if (entry != Index.NONE) {
        int node = index.node(entry);
        return index.type(node) == EntryType.WHITEOUT ? Index.NONE : node;
      }
    }
    return Index.NONE;
  }

  /** Gives what is there other attributes; the extended ones that are not replaced stay. */
  private void give(int node, Attributes wanted) {
    List<Xattr> all = new ArrayList<>(wanted.xattrs());
    boolean isOwnerSame = index.uid(node) == wanted.uid() && index.gid(node) == wanted.gid();
    for (Xattr before : index.xattrs(node)) {
      boolean isReplaced = all.stream().anyMatch(xattr -> xattr.name().equals(before.name()));
      // The kernel takes a capability away from a file that gets another owner.
      if (!isReplaced && (isOwnerSame || !before.name().equals(CAPABILITY))) {
        all.add(before);
      }
    }
    index.setAttributes(node, wanted.withXattrs(all));
  }

  private static ByteString text(TreeEntry entry) throws ArchiveException {
    ByteString text = requireNonNull(entry.linkText());
    if (text.length() > MAX_TEXT_BYTES) {
      throw ArchiveException.limitExceeded(
          -1, entry.path().toString(), "bytes of a link's text", MAX_TEXT_BYTES);
    }
    return text;
  }

  // Names.

  private void put(int directory, ByteString name, int node) {
    int number = parents.add(directory);
    names.add(index.addName(name));
    nodes.add(node);
    nexts.add(first(directory));
    setFirst(directory, number);
    if (2 * parents.size() > table.length) {
      table = new int[2 * table.length];
      for (int i = 0; i <= number; i++) {
        // What is dead is never looked for again.
        if (parents.get(i) != DEAD) {
          enter(parents.get(i), index.pooled(names.get(i)), i);
        }
      }
    } else {
      enter(directory, name, number);
    }
  }

  private void enter(int directory, ByteString name, int number) {
    int slot = slot(directory, name);
    while (table[slot] != 0) {
      slot = (slot + 1) & (table.length - 1);
    }
    table[slot] = number + 1;
  }

  private int slot(int directory, ByteString name) {
    return hash.newHasher(name.length() + 4)
            .putInt(directory)
            .putBytes(name.asByteBuffer())
            .hash()
            .asInt()
        & (table.length - 1);
  }

  private int find(int directory, ByteString name) {
    int slot = slot(directory, name);
    while (table[slot] != 0) {
      int number = table[slot] - 1;
      if (parents.get(number) == directory && index.comparePooled(names.get(number), name) == 0) {
        return number;
      }
      slot = (slot + 1) & (table.length - 1);
    }
    return DEAD;
  }

  private void remove(int number) {
    Deque<Integer> todo = new ArrayDeque<>(List.of(number));
    while (!todo.isEmpty()) {
      int next = todo.pop();
      parents.set(next, DEAD);
      int node = nodes.get(next);
      if (index.isDirectory(node)) {
        for (int name = first(node); name != DEAD; name = nexts.get(name)) {
          if (parents.get(name) != DEAD) {
            todo.push(name);
          }
        }
      } else if (index.links(node) > 1) {
        index.addLinks(node, -1);
      }
    }
    walked = null;
  }

  // The way to an entry.

  /** The directory at {@code path}; if it is missing and not to be made, DEAD. */
  private int walk(LayerPath path, boolean makes) throws ArchiveException {
    LayerPath known = walked;
    if (known != null && known.equals(path)) {
      return walkedTo;
    }
    Deque<Step> steps = new ArrayDeque<>();
    for (ByteString name : path.names()) {
      steps.add(new Step(name, false, false));
    }
    int links = 0;
    linkStepsLeft += LINK_STEPS_EACH;
    int at = root;
    while (!steps.isEmpty()) {
      Step step = steps.removeFirst();
      if (step.isOfLink && linkStepsLeft-- <= 0) {
        throw noWay(path, "its symbolic links lead over too many directories");
      }
      if (step.name.equals(PARENT)) {
        if (at == root && !step.isClamped) {
          throw new ArchiveException(
              Kind.BREAKOUT,
              -1,
              path.toString(),
              "the way to it leads through a symbolic link above the root of the layer");
        }
        at = parent(at);
        continue;
      }
      int number = find(at, step.name);
      int node = number == DEAD ? DEAD : nodes.get(number);
      if (node == DEAD || (index.type(node) == EntryType.WHITEOUT && makes)) {
        if (!makes) {
          return DEAD;
        }
        at = makeDirectory(at, step.name, number);
      } else if (index.isDirectory(node)) {
        at = node;
      } else if (index.type(node) == EntryType.SYMLINK) {
        if (++links > MAX_LINKS) {
          throw noWay(path, "too many symbolic links");
        }
        ByteString text = index.linkText(node);
        boolean isAbsolute = text.at(0) == '/';
        at = isAbsolute ? root : at;
        List<ByteString> texts = LinkText.names(text);
        for (int i = texts.size() - 1; i >= 0; i--) {
          steps.addFirst(new Step(texts.get(i), true, isAbsolute));
        }
      } else if (makes) {
        throw noWay(path, "something on it is no directory");
      } else {
        return DEAD;
      }
    }
    isThroughLink |= links > 0;
    if (links == 0) {
      walked = path;
      walkedTo = at;
    }
    return at;
  }

  /** Makes a directory; in place of a whiteout one that hides what is below. */
  private int makeDirectory(int directory, ByteString name, int whiteout) {
    if (whiteout != DEAD) {
      remove(whiteout);
    }
    int flags = Index.IMPLIED | (whiteout != DEAD ? Index.OPAQUE : 0);
    // The kernel hands the bit down to what is made in such a directory.
    Attributes attributes = IMPLIED.withMode(IMPLIED.mode() | (index.mode(directory) & SET_GID));
    int made = index.addNode(EntryType.DIRECTORY, attributes, flags);
    setFirst(made, DEAD);
    setParent(made, directory);
    put(directory, name, made);
    return made;
  }

  /** One name still to go; see {@code InRootWalker} of the vfs driver. */
  private record Step(ByteString name, boolean isOfLink, boolean isClamped) {}

  private static ArchiveException noWay(LayerPath path, String problem) {
    return new ArchiveException(
        Kind.MALFORMED, -1, path.toString(), "there is no way to /" + path + ": " + problem);
  }

  private static ArchiveException malformed(TreeEntry entry, String problem) {
    return new ArchiveException(Kind.MALFORMED, -1, entry.path().toString(), problem);
  }

  // The end.

  /** Puts the entries of each directory in their order. */
  void finish() {
    Deque<Integer> todo = new ArrayDeque<>(List.of(root));
    int[] found = new int[16];
    while (!todo.isEmpty()) {
      int directory = todo.pop();
      int count = 0;
      for (int name = first(directory); name != DEAD; name = nexts.get(name)) {
        if (parents.get(name) != DEAD) {
          found = Columns.room(found, count + 1);
          found[count++] = name;
        }
      }
      Columns.sort(
          found, count, (left, right) -> index.comparePooled(names.get(left), names.get(right)));
      int first = index.entryCount();
      for (int i = 0; i < count; i++) {
        int node = nodes.get(found[i]);
        index.addEntry(names.get(found[i]), node);
        if (index.isDirectory(node)) {
          todo.push(node);
        }
      }
      setFirst(directory, 0);
      index.setData(directory, Index.range(first, count));
    }
  }
}
