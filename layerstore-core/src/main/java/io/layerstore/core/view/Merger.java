package io.layerstore.core.view;

import io.layerstore.spi.EntryType;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * Lays the layers of an index one on top of the other, as overlay shows them: the highest entry of
 * a name counts; a directory adds the entries of those of its path below it, down to one that is
 * opaque, and to the first layer that has something else there.
 */
final class Merger {

  private final Index index;
  private int[] found = new int[16];

  private Merger(Index index) {
    this.index = index;
  }

  static void merge(Index index) {
    new Merger(index).merge();
  }

  private void merge() {
    int[] roots = new int[index.layers().size()];
    int count = 0;
    for (int layer = roots.length - 1; layer >= 0; layer--) {
      roots[count++] = index.root(layer);
      if (index.has(index.root(layer), Index.OPAQUE)) {
        break;
      }
    }
    if (index.isPartial() && !index.has(roots[count - 1], Index.OPAQUE)) {
      index.setFlag(roots[0], Index.OPEN, true);
    }
    Deque<int[]> todo = new ArrayDeque<>();
    todo.push(Arrays.copyOf(roots, count));
    while (!todo.isEmpty()) {
      merge(todo.pop(), todo);
    }
  }

  /** Merges directories of one path, the highest first, and adds those in them to {@code todo}. */
  private void merge(int[] directories, Deque<int[]> todo) {
    long[] ranges = new long[directories.length];
    int[] positions = new int[directories.length];
    for (int i = 0; i < directories.length; i++) {
      ranges[i] = index.ownRange(directories[i]);
    }
    int[] stack = new int[directories.length];
    int count = 0;
    while (true) {
      int first = first(ranges, positions);
      if (first < 0) {
        break;
      }
      int entry = index.entry(ranges[first], positions[first]);
      boolean goesOn = true;
      int depth = 0;
      for (int i = first; i < ranges.length; i++) {
        if (positions[i] == Index.count(ranges[i])) {
          continue;
        }
        int other = index.entry(ranges[i], positions[i]);
        if (i > first && index.compareNames(entry, other) != 0) {
          continue;
        }
        positions[i]++;
        int node = index.node(other);
        goesOn = goesOn && index.isDirectory(node);
        if (goesOn) {
          stack[depth++] = node;
          goesOn = !index.has(node, Index.OPAQUE);
        }
      }
      if (index.type(index.node(entry)) != EntryType.WHITEOUT) {
        found = Columns.room(found, count + 1);
        found[count++] = entry;
      }
      if (depth > 0) {
        // No layer that is known ends it, nor the directory that it is in.
        if (goesOn && index.has(directories[0], Index.OPEN)) {
          index.setFlag(stack[0], Index.OPEN, true);
        }
        todo.push(Arrays.copyOf(stack, depth));
      }
    }
    index.setPlace(directories[0], index.list(found, count));
  }

  /** The highest layer of those whose next name is the least, or -1 at the end of all. */
  private int first(long[] ranges, int[] positions) {
    int first = -1;
    int least = 0;
    for (int i = 0; i < ranges.length; i++) {
      if (positions[i] < Index.count(ranges[i])) {
        int entry = index.entry(ranges[i], positions[i]);
        if (first < 0 || index.compareNames(entry, least) < 0) {
          first = i;
          least = entry;
        }
      }
    }
    return first;
  }
}
