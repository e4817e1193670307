package io.layerstore.core.state;

import io.layerstore.LayerStoreException;
import io.layerstore.StoreNotFoundException;
import io.layerstore.StoreOptions;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.FileFailures;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory a store is in: made if need be, refused if others could change what is in it, and
 * left as it was if no store comes of it.
 */
public final class StoreRoot {

  private static final Logger log = LoggerFactory.getLogger(StoreRoot.class);

  /** Docker's mode for a data root. */
  private static final String MODE = "rwx--x---";

  private final StoreOptions options;
  private final RootContents before;

  /** The directories that were made for the root, the root itself on top. */
  private final Deque<Path> made = new ArrayDeque<>();

  private boolean isForGood;

  private StoreRoot(StoreOptions options, RootContents before) {
    this.options = options;
    this.before = before;
  }

  /**
   * Refuses a root that no store can have, whatever is in it. Changes nothing.
   *
   * @throws StoreNotFoundException if it is not there and only to be read
   * @throws LayerStoreException if it can be written by others
   */
  public static void requireSafe(StoreOptions options) throws LayerStoreException {
    Path path = options.root();
    if (options.readOnly() && !Files.isDirectory(path)) {
      throw new StoreNotFoundException(path);
    }
    try {
      requireNotWritableByOthers(path);
    } catch (IOException e) {
      throw unusable(path, e);
    }
  }

  /**
   * Makes the root if it is not there. After a failure it is as it was.
   *
   * @param before what is in it
   */
  public static StoreRoot prepare(StoreOptions options, RootContents before)
      throws LayerStoreException {
    Path path = options.root();
    StoreRoot root = new StoreRoot(options, before);
    try {
      if (!Files.isDirectory(path)) {
        root.make(path);
      }
      return root;
    } catch (IOException e) {
      throw unusable(path, e);
    }
  }

  private static LayerStoreException unusable(Path path, IOException failure) {
    return failure instanceof LayerStoreException e
        ? e
        : new LayerStoreException(
            "cannot use " + path + " as a store root: " + FileFailures.describe(failure), failure);
  }

  /** A file system without permissions is exempt. */
  private static void requireNotWritableByOthers(Path path) throws IOException {
    PosixFileAttributeView view = Files.getFileAttributeView(path, PosixFileAttributeView.class);
    if (view != null
        && Files.isDirectory(path)
        && view.readAttributes().permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new LayerStoreException(
          "the store root "
              + path
              + " can be written by other users; remove that permission (chmod o-w) or use another directory");
    }
  }

  private void make(Path path) throws IOException {
    Deque<Path> missing = new ArrayDeque<>();
    for (@Nullable Path p = path.toAbsolutePath();
        p != null && !Files.isDirectory(p);
        p = p.getParent()) {
      missing.push(p);
    }
    try {
      while (missing.size() > 1) {
        make(missing.pop(), false);
      }
      make(path.toAbsolutePath(), true);
    } catch (IOException | RuntimeException e) {
      removeMade();
      throw e;
    }
  }

  private void make(Path path, boolean isRoot) throws IOException {
    try {
      create(path, isRoot);
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(path)) {
        throw e;
      }
      return; // Another process was faster, and it is that one's to take away.
    }
    made.push(path);
    @Nullable Path parent = path.getParent();
    if (parent != null) {
      // Once in the life of a store, so whatever its durability: without its name it has no layers.
      AtomicFiles.syncDirectory(parent);
    }
  }

  private static void create(Path path, boolean isRoot) throws IOException {
    if (isRoot && path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Set<PosixFilePermission> mode = PosixFilePermissions.fromString(MODE);
      Files.createDirectory(path, PosixFilePermissions.asFileAttribute(mode));
    } else {
      Files.createDirectory(path);
    }
  }

  /** To be called when the store is open: what was made for it is kept, if it is to be. */
  public void opened() {
    isForGood = options.creation() != StoreOptions.Creation.IF_USED;
  }

  /**
   * Takes away what was made below the root, if no store came of it or nothing was put into that.
   * The caller holds the lock.
   *
   * @param use told to take its file along, if the root would otherwise be as before
   */
  public void takeBack(RootUse use) {
    if (isForGood || use.hasOthers()) {
      made.clear();
      return;
    }
    try {
      if (StoreSkeleton.remove(options, before)) {
        use.deleteFileAtClose();
      } else {
        made.clear();
      }
    } catch (IOException e) {
      made.clear();
      log.warn("cannot remove the empty store at {}", options.root(), e);
    }
  }

  /** Takes away the root and what was made above it, if they are empty again. */
  public void removeMade() {
    if (isForGood) {
      return;
    }
    try {
      while (!made.isEmpty()) {
        Files.deleteIfExists(made.pop());
      }
    } catch (IOException e) {
      // Somebody has put something there; so it is needed.
      log.debug("leaving the directories made for {}", options.root(), e);
    }
  }
}
