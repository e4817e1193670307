package io.layerstore.core;

import io.layerstore.LayerStoreException;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.FileFailures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The directory a store is in: made if need be, and refused if others could change what is in it.
 */
final class StoreRoot {

  /** Docker's mode for a data root. */
  private static final String MODE = "rwx--x---";

  private StoreRoot() {}

  /**
   * Makes sure that {@code root} is a directory others cannot write to; a file system without
   * permissions is exempt.
   *
   * @throws LayerStoreException if it is not, or if {@code readOnly} is set and there is none
   */
  static void prepare(Path root, boolean readOnly) throws LayerStoreException {
    try {
      if (!Files.isDirectory(root)) {
        if (readOnly) {
          throw new LayerStoreException(
              "there is no store at "
                  + root
                  + "; check the path, or open it for writing to make one");
        }
        create(root);
      }
      PosixFileAttributeView view = Files.getFileAttributeView(root, PosixFileAttributeView.class);
      if (view != null
          && view.readAttributes().permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
        throw new LayerStoreException(
            "the store root "
                + root
                + " can be written by other users; take that right away (chmod o-w) or use another directory");
      }
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw new LayerStoreException(
          "cannot use " + root + " as a store root: " + FileFailures.describe(e), e);
    }
  }

  private static void create(Path root) throws IOException {
    Path parent = root.toAbsolutePath().getParent();
    Path existing = parent;
    while (existing != null && !Files.isDirectory(existing)) {
      existing = existing.getParent();
    }
    if (parent != null) {
      Files.createDirectories(parent);
    }
    if (supportsPosix(root)) {
      Set<PosixFilePermission> mode = PosixFilePermissions.fromString(MODE);
      Files.createDirectory(root, PosixFilePermissions.asFileAttribute(mode));
    } else {
      Files.createDirectory(root);
    }
    // Once in the life of a store, so whatever its durability: without its name it has no layers.
    for (Path above = parent; above != null; above = above.getParent()) {
      AtomicFiles.syncDirectory(above);
      if (above.equals(existing)) {
        return;
      }
    }
  }

  private static boolean supportsPosix(@Nullable Path path) {
    return path != null && path.getFileSystem().supportedFileAttributeViews().contains("posix");
  }
}
