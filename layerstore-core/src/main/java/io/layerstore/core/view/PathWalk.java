package io.layerstore.core.view;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.EntryType;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One way through an image, from its root, with the links on it; as the kernel goes with the image
 * as its root directory.
 */
final class PathWalk {

  /** As deep as the kernel follows links. */
  private static final int MAX_LINKS = 40;

  private final Shown shown;
  private final Index index;
  private final String asked;

  /** The nodes on the way, the root first; and how long the real path is at each. */
  private int[] nodes = new int[16];

  private int[] lengths = new int[16];
  private int depth;
  private byte[] real = new byte[64];

  private PathWalk(Shown shown, ViewPath path) {
    this.shown = shown;
    this.index = shown.index();
    this.asked = path.toString();
    nodes[0] = shown.root();
  }

  /**
   * Where a way ends.
   *
   * @param shown where that was found out
   * @param node what is there
   * @param path where it is, without links
   */
  record Place(Shown shown, int node, LayerPath path) {}

  /**
   * Goes to {@code path}; a link there is followed too, if that is wanted.
   *
   * @return null if only layers that are not known can tell
   */
  static @Nullable Place go(Shown shown, ViewPath path, boolean followsLast)
      throws FileSystemException {
    PathWalk walk = new PathWalk(shown, path);
    return walk.go(path.bytes(), followsLast)
        ? new Place(shown, walk.nodes[walk.depth], walk.path())
        : null;
  }

  /** Where it is, without links. */
  private LayerPath path() {
    return LayerPath.of(ByteString.of(real, 0, lengths[depth]));
  }

  private boolean go(byte[] path, boolean followsLast) throws FileSystemException {
    byte[] rest = path;
    int start = 0;
    int links = 0;
    while (true) {
      while (start < rest.length && rest[start] == '/') {
        start++;
      }
      if (start == rest.length) {
        return true;
      }
      int end = start;
      while (end < rest.length && rest[end] != '/') {
        end++;
      }
      int directory = nodes[depth];
      if (!index.isDirectory(directory)) {
        throw new NotDirectoryException(asked);
      }
      if (isDots(rest, start, end, 1)) {
        start = end;
        continue;
      }
      if (isDots(rest, start, end, 2)) {
        depth = Math.max(depth - 1, 0);
        start = end;
        continue;
      }
      int entry = index.find(shown.range(directory), rest, start, end);
      if (entry == Index.NONE && shown.mayBeBelow(directory, path(), rest, start, end)) {
        return false;
      }
      if (entry == Index.NONE) {
        throw new NoSuchFileException(asked);
      }
      int node = index.node(entry);
      if (index.type(node) == EntryType.SYMLINK && (followsLast || end < rest.length)) {
        if (++links > MAX_LINKS) {
          throw new FileSystemLoopException(asked);
        }
        byte[] text = index.linkText(node).toByteArray();
        byte[] joined = Arrays.copyOf(text, text.length + rest.length - end);
        System.arraycopy(rest, end, joined, text.length, rest.length - end);
        depth = text.length > 0 && text[0] == '/' ? 0 : depth;
        rest = joined;
        start = 0;
        continue;
      }
      push(node, rest, start, end);
      start = end;
    }
  }

  private static boolean isDots(byte[] bytes, int start, int end, int count) {
    return end - start == count && bytes[start] == '.' && bytes[end - 1] == '.';
  }

  private void push(int node, byte[] bytes, int start, int end) {
    int from = lengths[depth] == 0 ? 0 : lengths[depth] + 1;
    int to = from + end - start;
    real = to > real.length ? Arrays.copyOf(real, 2 * to) : real;
    if (from > 0) {
      real[from - 1] = '/';
    }
    System.arraycopy(bytes, start, real, from, end - start);
    depth++;
    if (depth == nodes.length) {
      nodes = Arrays.copyOf(nodes, 2 * depth);
      lengths = Arrays.copyOf(lengths, 2 * depth);
    }
    nodes[depth] = node;
    lengths[depth] = to;
  }
}
