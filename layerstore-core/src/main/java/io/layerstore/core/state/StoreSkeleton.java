package io.layerstore.core.state;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.layerstore.StoreOptions;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The empty directories of a store in which nothing was ever put.
 *
 * <p>First looks at all of them, and removes none if there is anything else: a layer can consist of
 * empty directories.
 */
final class StoreSkeleton {

  /** Below a driver's home: its own directories, but not those of layers in them. */
  private static final int HOME_LEVELS = 1;

  /** Below {@code image}, as in {@code overlay2/imagedb/content/sha256}; no layer is there. */
  private static final int METADATA_LEVELS = 8;

  /** Children before parents. */
  private final List<Path> directories = new ArrayList<>();

  private StoreSkeleton() {}

  /**
   * Removes the skeleton of a store from its root.
   *
   * @param before what the root had before the store was made; stays as it was
   * @return whether the root has nothing now but what it had before, and the lock file
   */
  static boolean remove(StoreOptions options, RootContents before) throws IOException {
    StoreSkeleton skeleton = new StoreSkeleton();
    String metadataName = firstName(options);
    for (Path entry : entries(options.root())) {
      String name = String.valueOf(entry.getFileName());
      boolean isMetadata = name.equals(DataRoot.IMAGE) || name.equals(metadataName);
      if (!before.names().contains(name)) {
        if (!name.equals(DataRoot.LOCK_FILE)
            && !name.equals(DataRoot.SHARING)
            && !skeleton.add(entry, isMetadata ? METADATA_LEVELS : HOME_LEVELS)) {
          return false;
        }
      } else if (name.equals(DataRoot.IMAGE) || before.isEmptyPlace(name)) {
        for (Path below : entries(entry)) {
          boolean isNew = !before.imageNames().contains(String.valueOf(below.getFileName()));
          if ((isNew || !isMetadata)
              && !skeleton.add(below, isMetadata ? METADATA_LEVELS - 1 : HOME_LEVELS - 1)) {
            return false;
          }
        }
      }
    }
    for (Path directory : skeleton.directories) {
      Files.delete(directory);
    }
    return true;
  }

  /** The directory in the root in which the layer databases are. */
  private static String firstName(StoreOptions options) {
    return String.valueOf(
        options.root().getFileSystem().getPath(options.metadataPath("driver")).getName(0));
  }

  /** Whether there is nothing but directories, and so many levels of them at most. */
  private boolean add(Path directory, int levels) throws IOException {
    if (levels < 0 || !Files.isDirectory(directory, NOFOLLOW_LINKS)) {
      return false;
    }
    for (Path entry : entries(directory)) {
      if (!add(entry, levels - 1)) {
        return false;
      }
    }
    directories.add(directory);
    return true;
  }

  private static List<Path> entries(Path directory) throws IOException {
    List<Path> entries = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      stream.forEach(entries::add);
    } catch (NoSuchFileException e) {
      return entries;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return entries;
  }
}
