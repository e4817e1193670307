package io.layerstore.overlay2;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.overlay2.linux.DiffWriter;
import io.layerstore.overlay2.linux.NodeReader;
import io.layerstore.overlay2.linux.TreeNode;
import io.layerstore.overlay2.linux.TreeScan;
import io.layerstore.overlay2.linux.TreeScan.XattrChoice;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Takes away whiteouts where nothing can be below.
 *
 * <p>The kernel hides a whiteout only in a directory that it merges with one of a lower layer. In
 * any other it shows the name, and answers that there is nothing of that name, so that {@code ls}
 * and every walk through the tree fail. A directory of a layer is not merged if it or one above it
 * is opaque, or if the layers below have no directory at its path: because nothing is there, or
 * something else, or because one of them deletes it. In the directories that are merged whiteouts
 * stay, also those of names that are not below: Docker has them too.
 *
 * <p>Works on what the layer has in the end, so that the order of the archive does not matter.
 */
final class NeedlessWhiteouts {

  /** Opens the layers below, merged. */
  @FunctionalInterface
  interface Below {
    LayerTree open() throws LayerStoreException;
  }

  private final @Nullable Below below;
  private final DiffWriter writer;
  private final Deque<Directory> directories = new ArrayDeque<>();
  private @Nullable LayerTree lower;

  /** A directory on the way down to the current node. */
  private static final class Directory {
    final LayerPath path;

    /** Whether the kernel merges it with one below; null while nobody has asked. */
    @Nullable Boolean isMerged;

    Directory(LayerPath path, @Nullable Boolean isMerged) {
      this.path = path;
      this.isMerged = isMerged;
    }
  }

  private NeedlessWhiteouts(@Nullable Below below, DiffWriter writer) {
    this.below = below;
    this.writer = writer;
    // The roots of all layers are merged, whatever their marks say.
    directories.addLast(new Directory(LayerPath.ROOT, below != null));
  }

  /**
   * Takes them away.
   *
   * @param own looks at the layer's own directory, complete but for this
   * @param below the layers below, opened only if they must be looked at; null if there are none
   * @param writer changes the layer's own directory; finished with this
   */
  static void take(TreeScan own, @Nullable Below below, DiffWriter writer)
      throws LayerStoreException {
    NeedlessWhiteouts needless = new NeedlessWhiteouts(below, writer);
    try (NodeReader nodes = own.scan(LayerPath.ROOT, false, XattrChoice.NONE)) {
      for (TreeNode node = nodes.next(); node != null; node = nodes.next()) {
        needless.look(node);
      }
      writer.finish(0);
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw LayerDirectories.failure(null, "cannot take away a whiteout", e);
    } finally {
      if (needless.lower != null) {
        needless.lower.close();
      }
    }
  }

  private void look(TreeNode node) throws IOException {
    if (Thread.currentThread().isInterrupted()) {
      throw new OperationInterruptedException("looking at whiteouts", null);
    }
    LayerPath parent = node.path().parent();
    while (!directories.getLast().path.equals(parent)) {
      directories.removeLast();
    }
    Directory directory = directories.getLast();
    if (node.type() == EntryType.DIRECTORY) {
      boolean isAlone = node.isOpaque() || Boolean.FALSE.equals(directory.isMerged);
      directories.addLast(new Directory(node.path(), isAlone ? false : null));
    } else if (node.type() == EntryType.WHITEOUT && !isMerged(directory)) {
      writer.takeWhiteout(node.path());
    }
  }

  private boolean isMerged(Directory directory) throws LayerStoreException {
    Boolean known = directory.isMerged;
    if (known == null) {
      known =
          lower()
              .find(directory.path)
              .filter(node -> node.entry().type() == EntryType.DIRECTORY)
              .isPresent();
      directory.isMerged = known;
    }
    return known;
  }

  private LayerTree lower() throws LayerStoreException {
    LayerTree opened = lower;
    if (opened == null) {
      if (below == null) {
        throw new IllegalStateException("a layer on nothing has no merged directory");
      }
      opened = below.open();
      lower = opened;
    }
    return opened;
  }
}
