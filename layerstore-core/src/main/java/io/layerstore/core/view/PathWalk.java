package io.layerstore.core.view;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.EntryType;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Arrays;

/**
 * One way through an image, from its root, with the links on it; as the kernel goes with the image
 * as its root directory.
 */
final class PathWalk {

  /** As deep as the kernel follows links. */
  private static final int MAX_LINKS = 40;

  private final ViewFileSystem fileSystem;
  private final Index index;
  private final String asked;

  /** The nodes on the way, the root first; and how long the real path is at each. */
  private int[] nodes = new int[16];

  private int[] lengths = new int[16];
  private int depth;
  private byte[] real = new byte[64];

  private PathWalk(ViewFileSystem fileSystem, ViewPath path) {
    this.fileSystem = fileSystem;
    this.index = fileSystem.index();
    this.asked = path.toString();
    nodes[0] = fileSystem.rootNode();
  }

  /**
   * Where a way ends.
   *
   * @param node what is there
   * @param path where it is, without links
   */
  record Place(int node, LayerPath path) {}

  /** Goes to {@code path}; a link there is followed too, if that is wanted. */
  static Place go(ViewFileSystem fileSystem, ViewPath path, boolean followsLast)
      throws FileSystemException {
    PathWalk walk = new PathWalk(fileSystem, path);
    walk.go(path.bytes(), followsLast);
    return new Place(
        walk.nodes[walk.depth],
        LayerPath.of(ByteString.of(walk.real, 0, walk.lengths[walk.depth])));
  }

  private void go(byte[] path, boolean followsLast) throws FileSystemException {
    byte[] rest = path;
    int start = 0;
    int links = 0;
    while (true) {
      while (start < rest.length && rest[start] == '/') {
        start++;
      }
      if (start == rest.length) {
        return;
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
      int entry = index.find(fileSystem.range(directory), rest, start, end);
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
