package io.layerstore.overlay2;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.TreeNode;
import io.layerstore.overlay2.linux.TreeScan;
import io.layerstore.overlay2.linux.TreeScan.XattrChoice;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * Makes an opaque root work: the kernel merges the roots of all layers whatever their marks say, so
 * each name in the root below is hidden by itself, by a whiteout or, where the layer has a
 * directory of that name, by its own mark.
 */
final class OpaqueRoot {

  private static final Attributes ATTRIBUTES = Attributes.of(0, Instant.EPOCH);

  private OpaqueRoot() {}

  /**
   * Hides what is below.
   *
   * @param own looks at the layer's own directory, complete but for this
   * @param below the layers below
   * @param writer adds to the layer's own directory
   */
  static void hide(TreeScan own, LayerTree below, TreeWriter writer) throws LayerStoreException {
    Map<ByteString, EntryType> present = new HashMap<>();
    for (TreeNode node : own.list(LayerPath.ROOT, XattrChoice.NONE)) {
      present.put(node.path().bytes(), node.type());
    }
    try {
      for (LayerTree.Node node : below.list(LayerPath.ROOT)) {
        LayerPath path = node.entry().path();
        EntryType type = present.get(path.bytes());
        if (type == null) {
          writer.write(TreeEntry.whiteout(path, ATTRIBUTES), null);
        } else if (type == EntryType.DIRECTORY && node.entry().type() == EntryType.DIRECTORY) {
          writer.write(TreeEntry.opaque(path, ATTRIBUTES), null);
        }
      }
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw LayerDirectories.failure(null, "cannot make the root of a layer opaque", e);
    }
    writer.finish(0);
  }
}
