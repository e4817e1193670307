package io.layerstore.vfs;

import io.layerstore.Durability;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import io.layerstore.testing.RecordingWriteContext;
import io.layerstore.testing.TreeChange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Opens the driver for tests, on the file systems it is to work on, and fills layers. */
public final class VfsTesting {

  private VfsTesting() {}

  static DriverContext context(Path root) {
    return context(root, Map.of(), false);
  }

  static DriverContext context(Path root, Map<String, String> options, boolean isReadOnly) {
    return DriverContext.builder(root, root.resolve("vfs"))
        .options(options)
        .durability(Durability.NONE)
        .readOnly(isReadOnly)
        .build();
  }

  public static GraphDriver open(Path root) throws LayerStoreException {
    return new VfsDriverProvider().open(context(root));
  }

  /** Makes a layer of {@code changes}. */
  static RecordingWriteContext layer(
      GraphDriver driver, String id, String parent, TreeChange... changes) throws IOException {
    driver.create(id, parent, CreateOptions.DEFAULT);
    return write(driver, id, parent, changes);
  }

  /** Writes an archive of {@code changes} into a layer. */
  static RecordingWriteContext write(
      GraphDriver driver, String id, String parent, TreeChange... changes) throws IOException {
    RecordingWriteContext context = new RecordingWriteContext();
    try (TreeWriter writer = driver.openWriter(id, parent, context)) {
      for (TreeChange change : changes) {
        change.writeTo(writer);
        context.wrote(change.path());
      }
      writer.finish(0);
    }
    return context;
  }

  /** An entry of a layer; empty if there is none. */
  static Optional<TreeEntry> find(GraphDriver driver, String id, String path) throws IOException {
    try (LayerTree tree = driver.tree(id)) {
      return tree.find(LayerPath.of(path)).map(LayerTree.Node::entry);
    }
  }

  /** An entry of a layer that there is. */
  static TreeEntry entry(GraphDriver driver, String id, String path) throws IOException {
    return find(driver, id, path).orElseThrow();
  }

  /** Whether this process is root, by the owner of a file it makes. */
  static boolean isRoot(Path directory) throws IOException {
    Path file = Files.createTempFile(directory, "owner", "");
    try {
      return file.getFileSystem().supportedFileAttributeViews().contains("unix")
          && (Integer) Files.getAttribute(file, "unix:uid") == 0;
    } finally {
      Files.delete(file);
    }
  }
}
