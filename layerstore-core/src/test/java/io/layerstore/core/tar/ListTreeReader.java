package io.layerstore.core.tar;

import io.layerstore.ByteString;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeReader;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A tree in memory, which notes how it is used. */
final class ListTreeReader implements TreeReader {

  private record Node(TreeEntry entry, ByteString content) {}

  private final Deque<Node> nodes = new ArrayDeque<>();
  private ByteString current = ByteString.EMPTY;

  /** The lengths asked for when content was read. */
  final List<Integer> readLengths = new ArrayList<>();

  int openContents;
  int closeCalls;

  ListTreeReader add(TreeEntry entry) {
    return add(entry, "");
  }

  ListTreeReader add(TreeEntry entry, String content) {
    nodes.add(new Node(entry, ByteString.of(content.getBytes(StandardCharsets.ISO_8859_1))));
    return this;
  }

  @Override
  public @Nullable TreeEntry next() {
    Node node = nodes.poll();
    if (node == null) {
      return null;
    }
    current = node.content();
    return node.entry();
  }

  @Override
  public InputStream content() {
    openContents++;
    return new ByteArrayInputStream(current.toByteArray()) {
      @Override
      public synchronized int read(byte[] target, int offset, int length) {
        readLengths.add(length);
        return super.read(target, offset, length);
      }

      @Override
      public void close() {
        openContents--;
      }
    };
  }

  @Override
  public void close() {
    closeCalls++;
  }
}
