package io.layerstore.core.image;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.layerstore.ChainId;
import io.layerstore.ImageId;
import io.layerstore.core.state.IdPrefix;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The images a store knows, and which was made from which.
 *
 * <p>One lock guards everything here. It is held for a look or a change in memory, never while
 * anything is read or written on disk, and no other lock is taken under it.
 */
final class ImageTable {

  private final Object lock = new Object();

  @GuardedBy("lock")
  private final TreeMap<ImageId, ImageNode> images = new TreeMap<>();

  /** Images by their parents, which need not be in the table. */
  @GuardedBy("lock")
  private final Map<ImageId, SortedSet<ImageId>> children = new HashMap<>();

  /** The image, or null. */
  @Nullable ImageNode find(ImageId id) {
    synchronized (lock) {
      return images.get(id);
    }
  }

  /** All images, sorted. */
  List<ImageNode> all() {
    synchronized (lock) {
      return new ArrayList<>(images.values());
    }
  }

  /** Adds an image unless it is in the table; returns the one that is. */
  ImageNode add(ImageNode node) {
    ImageNode present;
    synchronized (lock) {
      present = images.putIfAbsent(node.id(), node);
      if (present == null) {
        link(node, node.parent());
        return node;
      }
    }
    node.letGo();
    return present;
  }

  /**
   * Takes an image out, and gives its hold on its top layer back. Those made from it keep it as
   * their parent until told otherwise.
   */
  void remove(ImageNode node) {
    synchronized (lock) {
      if (!images.remove(node.id(), node)) {
        return;
      }
      unlink(node);
    }
    node.letGo();
  }

  @Nullable ImageId parent(ImageNode node) {
    synchronized (lock) {
      return node.parent();
    }
  }

  void setParent(ImageNode node, @Nullable ImageId parent) {
    synchronized (lock) {
      unlink(node);
      link(node, parent);
    }
  }

  @GuardedBy("lock")
  private void link(ImageNode node, @Nullable ImageId parent) {
    node.setParent(parent);
    if (parent != null && images.get(node.id()) == node) {
      children.computeIfAbsent(parent, id -> new TreeSet<>()).add(node.id());
    }
  }

  @GuardedBy("lock")
  private void unlink(ImageNode node) {
    ImageId parent = node.parent();
    SortedSet<ImageId> siblings = parent == null ? null : children.get(parent);
    if (parent != null && siblings != null) {
      siblings.remove(node.id());
      if (siblings.isEmpty()) {
        children.remove(parent);
      }
    }
  }

  /** The images whose parent is {@code id}, sorted. */
  List<ImageId> children(ImageId id) {
    synchronized (lock) {
      SortedSet<ImageId> found = children.get(id);
      return found == null ? List.of() : new ArrayList<>(found);
    }
  }

  /** Whether {@code id} is {@code other}, or one of those it was made from. */
  boolean isSelfOrAncestor(ImageId id, ImageId other) {
    synchronized (lock) {
      // What is on disk may form a circle; no walk is longer than there are images.
      int steps = images.size();
      @Nullable ImageId next = other;
      while (next != null && steps-- >= 0) {
        if (next.equals(id)) {
          return true;
        }
        ImageNode node = images.get(next);
        next = node == null ? null : node.parent();
      }
      return false;
    }
  }

  /** The ids that begin with {@code prefix}, sorted. */
  List<ImageId> withPrefix(IdPrefix prefix) {
    synchronized (lock) {
      return prefix.among(images.keySet(), ImageId::digest);
    }
  }

  /** The images whose top layer is {@code chainId}, sorted. */
  List<ImageId> withTopLayer(ChainId chainId) {
    synchronized (lock) {
      List<ImageId> found = new ArrayList<>();
      for (ImageNode node : images.values()) {
        if (chainId.equals(node.topLayer())) {
          found.add(node.id());
        }
      }
      return found;
    }
  }
}
