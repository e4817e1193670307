package io.layerstore.testing;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.TreeEntry;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.NavigableMap;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A merged tree in memory: what a driver must show after the same changes.
 *
 * <p>It knows nothing of links on the way to a path: a change whose path leads through one is a
 * mistake of the test. A directory has no known time of modification, which compares equal to any,
 * once something in it changed without an entry for the directory in the same layer.
 *
 * <p>Not safe for use by several threads.
 */
public final class TreeModel {

  /** What a directory has that is made because something below it is. */
  private static final int IMPLIED_MODE = 0755;

  /** A file of any type; one for all its names. */
  private static final class Inode {
    final EntryType type;
    Attributes attributes;
    boolean hasKnownTime = true;
    final ByteString content;
    final @Nullable ByteString linkText;
    final @Nullable Device device;

    Inode(TreeEntry entry, ByteString content) {
      this(entry.type(), entry.attributes(), content, entry.linkText(), entry.device());
    }

    Inode(
        EntryType type,
        Attributes attributes,
        ByteString content,
        @Nullable ByteString linkText,
        @Nullable Device device) {
      this.type = type;
      this.attributes = attributes;
      this.content = content;
      this.linkText = linkText;
      this.device = device;
    }

    Inode copy() {
      Inode copy = new Inode(type, attributes, content, linkText, device);
      copy.hasKnownTime = hasKnownTime;
      return copy;
    }
  }

  private final NavigableMap<LayerPath, Inode> inodes = new TreeMap<>();

  /** An empty tree: a root of mode 0755 that belongs to 0:0. */
  public TreeModel() {
    inodes.put(LayerPath.ROOT, implied());
  }

  /** A tree with these changes made, as one layer. */
  public static TreeModel of(TreeChange... changes) {
    TreeModel model = new TreeModel();
    model.apply(changes);
    return model;
  }

  private static Inode implied() {
    Inode inode =
        new Inode(
            EntryType.DIRECTORY,
            Attributes.of(IMPLIED_MODE, Instant.EPOCH),
            ByteString.EMPTY,
            null,
            null);
    inode.hasKnownTime = false;
    return inode;
  }

  /** An independent tree that is equal; files with several names stay that. */
  public TreeModel copy() {
    TreeModel copy = new TreeModel();
    IdentityHashMap<Inode, Inode> copies = new IdentityHashMap<>();
    inodes.forEach(
        (path, inode) -> copy.inodes.put(path, copies.computeIfAbsent(inode, Inode::copy)));
    return copy;
  }

  /** Makes the changes of one layer, in their order. */
  public void apply(TreeChange... changes) {
    apply(List.of(changes));
  }

  /** Makes the changes of one layer, in their order. */
  public void apply(List<? extends TreeChange> changes) {
    Layer layer = new Layer();
    changes.forEach(layer::apply);
  }

  /** One layer while it is applied: what it has written itself is safe from its opaque marks. */
  private final class Layer {
    private final Set<LayerPath> written = new HashSet<>();

    void apply(TreeChange change) {
      if (change instanceof TreeChange.Put put) {
        put(put);
      } else if (change instanceof TreeChange.Remove remove) {
        makeParents(remove.path());
        removeAll(remove.path());
        forgetTimeOfParent(remove.path());
      } else if (change instanceof TreeChange.Opaque opaque) {
        makeDirectory(opaque.path());
        clear(opaque.path());
      } else if (change instanceof TreeChange.Alter alter) {
        Inode inode = require(alter.path());
        inode.attributes = alter.change().apply(inode.attributes);
        inode.hasKnownTime = true;
        written.add(alter.path());
      }
    }

    private void put(TreeChange.Put put) {
      TreeEntry entry = put.entry();
      LayerPath path = entry.path();
      if (path.isRoot()) {
        return;
      }
      makeParents(path);
      Inode present = inodes.get(path);
      if (entry.type() == EntryType.DIRECTORY
          && present != null
          && present.type == EntryType.DIRECTORY) {
        present.attributes = entry.attributes();
        present.hasKnownTime = true;
      } else if (entry.type() == EntryType.HARD_LINK) {
        Inode target = require(entry.linkTarget());
        removeAll(path);
        target.attributes =
            target.type == EntryType.SYMLINK
                ? entry.attributes().withMode(target.attributes.mode())
                : entry.attributes();
        inodes.put(path, target);
      } else {
        removeAll(path);
        inodes.put(path, new Inode(entry, put.content()));
      }
      written.add(path);
      forgetTimeOfParent(path);
    }

    private void makeParents(LayerPath path) {
      if (!path.isRoot()) {
        makeDirectory(path.parent());
      }
    }

    private void makeDirectory(LayerPath path) {
      if (path.isRoot()) {
        return;
      }
      makeDirectory(path.parent());
      Inode present = inodes.get(path);
      if (present == null) {
        inodes.put(path, implied());
        forgetTimeOfParent(path);
      } else if (present.type != EntryType.DIRECTORY) {
        throw new IllegalArgumentException("no directory: " + path);
      }
    }

    private void clear(LayerPath directory) {
      inodes
          .keySet()
          .removeIf(
              path ->
                  !path.equals(directory)
                      && path.startsWith(directory)
                      && written.stream().noneMatch(mine -> mine.startsWith(path)));
      require(directory).hasKnownTime = false;
    }

    /** A directory entry sets its time when all of the layer is there. */
    private void forgetTimeOfParent(LayerPath path) {
      if (!written.contains(path.parent())) {
        require(path.parent()).hasKnownTime = false;
      }
    }
  }

  private void removeAll(LayerPath top) {
    inodes.keySet().removeIf(path -> !path.isRoot() && path.startsWith(top));
  }

  private Inode require(@Nullable LayerPath path) {
    Inode inode = path == null ? null : inodes.get(path);
    if (inode == null) {
      throw new NoSuchElementException("not in the tree: " + path);
    }
    return inode;
  }

  /** Whether there is an entry at {@code path}. */
  public boolean contains(LayerPath path) {
    return inodes.containsKey(path);
  }

  /** The entry at {@code path}, never a hard link. */
  public TreeEntry entry(LayerPath path) {
    Inode inode = require(path);
    long size = inode.type == EntryType.FILE ? inode.content.length() : 0;
    return new TreeEntry(
        path, inode.type, inode.attributes, size, inode.linkText, null, inode.device);
  }

  /** The content of the regular file {@code path}; empty for anything else. */
  public ByteString content(LayerPath path) {
    return require(path).content;
  }

  /** Whether the time of modification of {@code path} is known. */
  boolean hasKnownTime(LayerPath path) {
    return require(path).hasKnownTime;
  }

  /** All of it, for comparing. */
  public TreeSnapshot snapshot() {
    return TreeSnapshot.of(this);
  }

  /** The tree as a driver would show it. It follows the changes that are made to the model. */
  public LayerTree tree() {
    return new Tree();
  }

  private final class Tree implements LayerTree {
    private boolean isClosed;

    @Override
    public Optional<Node> find(LayerPath path) {
      requireOpen();
      return contains(path) ? Optional.of(node(path)) : Optional.empty();
    }

    @Override
    public List<Node> list(LayerPath path) {
      requireOpen();
      List<Node> nodes = new ArrayList<>();
      for (LayerPath other : inodes.keySet()) {
        if (!other.isRoot() && other.parent().equals(path)) {
          nodes.add(node(other));
        }
      }
      return nodes;
    }

    private Node node(LayerPath path) {
      Inode inode = require(path);
      int names = (int) inodes.values().stream().filter(other -> other == inode).count();
      return new Node(entry(path), inode, names, null);
    }

    @Override
    public InputStream open(Node node) {
      requireOpen();
      return new ByteArrayInputStream(content(node.entry().path()).toByteArray());
    }

    private void requireOpen() {
      if (isClosed) {
        throw new IllegalStateException("tree is closed");
      }
    }

    @Override
    public void close() {
      isClosed = true;
    }
  }
}
