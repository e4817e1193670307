package io.layerstore.core.layerdb;

import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.Closing;
import io.layerstore.driver.TreeDeleter;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The layer database's {@code tmp}: what is made or moved there, and what of it a process has in
 * hand.
 *
 * <p>What is in hand is not left over, so nobody may clean it up; it is in hand from before it
 * exists until it is let go, or until the process ends. Safe for use by many threads.
 */
final class TmpDirectory {

  private final LayerDbLayout layout;
  private final LayerDbFiles files;
  private final Ownership ownership;
  private final Set<String> inHand = ConcurrentHashMap.newKeySet();

  TmpDirectory(LayerDbLayout layout, LayerDbFiles files, Ownership ownership) {
    this.layout = layout;
    this.files = files;
    this.ownership = ownership;
  }

  /** What puts files into a new directory, one at least; each is forced to the disk. */
  interface Filling {
    void fill(Path directory) throws IOException;
  }

  /**
   * Makes a directory, fills it, and forces all of it to the disk; it is in hand then. After a
   * failure there is none.
   */
  Path make(String prefix, int mode, Filling filling) throws IOException {
    files.ensureDirectory(layout.tmp(), LayerDbLayout.SHARED_MODE);
    while (true) {
      Path directory = take(prefix);
      try {
        AtomicFiles.createDirectory(directory, mode);
      } catch (FileAlreadyExistsException e) {
        // A leftover has that name; another draw.
        letGo(directory);
        continue;
      }
      try {
        filling.fill(directory);
        files.syncUnlessOrdered(directory);
        files.syncUnlessOrdered(layout.tmp());
        return directory;
      } catch (IOException | RuntimeException e) {
        deleteAfter(e, directory);
        letGo(directory);
        throw e;
      }
    }
  }

  /** Makes a write-set that names {@code cacheId}; it is in hand then. */
  Path makeWriteSet(String cacheId) throws IOException {
    return make(
        LayerDbLayout.WRITE_SET,
        LayerDbLayout.LAYER_MODE,
        directory -> files.writeValue(directory.resolve(LayerDbLayout.CACHE_ID), cacheId));
  }

  /**
   * Moves a directory here, in one step; it is in hand then. After a failure it is where it was.
   */
  Path moveHere(String prefix, Path directory) throws IOException {
    files.ensureDirectory(layout.tmp(), LayerDbLayout.SHARED_MODE);
    while (true) {
      Path here = take(prefix);
      try {
        files.rename(directory, here);
        return here;
      } catch (FileAlreadyExistsException e) {
        letGo(here);
      } catch (IOException | RuntimeException e) {
        letGo(here);
        throw e;
      }
    }
  }

  private Path take(String prefix) {
    while (true) {
      String name = LayerDbLayout.newTmpName(prefix);
      if (inHand.add(name)) {
        ownership.take(name);
        return layout.tmp().resolve(name);
      }
    }
  }

  boolean isInHand(String name) {
    return inHand.contains(name) || ownership.isOthers(name);
  }

  void letGo(Path directory) {
    String name = String.valueOf(directory.getFileName());
    if (inHand.remove(name)) {
      ownership.letGo(name);
    }
  }

  private static void deleteAfter(Exception failure, Path directory) {
    Closing.after(failure, () -> TreeDeleter.delete(directory));
  }
}
