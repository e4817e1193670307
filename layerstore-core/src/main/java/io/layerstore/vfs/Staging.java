package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.Closing;
import io.layerstore.driver.TreeDeleter;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.DiskNames;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A private directory in which one operation builds things before it moves them into place.
 *
 * <p>Not safe for use by many threads.
 */
final class Staging implements Closeable {

  private final Path path;
  private final Directory directory;
  private final Runnable ended;
  private long count;

  private Staging(Path path, Directory directory, Runnable ended) {
    this.path = path;
    this.directory = directory;
    this.ended = ended;
  }

  /**
   * Makes the directory {@code path}.
   *
   * @param ended called at the end, whether all of it could be deleted or not
   */
  static Staging create(Path path, Volume volume, Runnable ended) throws IOException {
    Files.createDirectory(path, volume.creation(0700));
    try {
      return new Staging(
          path, Directory.open(path, DiskNames.asTheyAre(path.getFileSystem())), ended);
    } catch (IOException | RuntimeException e) {
      Closing.after(e, () -> delete(path));
      throw e;
    }
  }

  Path path() {
    return path;
  }

  Directory directory() {
    return directory;
  }

  /** A name that is free. */
  ByteString newName() {
    return ByteString.utf8("n" + count++);
  }

  /** Deletes all of it, also if the thread is interrupted. */
  @Override
  public void close() throws IOException {
    Closing.all(directory, () -> delete(path), ended::run);
  }

  /** Deletes {@code tree}, also if the thread is interrupted. */
  static void delete(Path tree) throws IOException {
    AtomicFiles.uninterrupted(() -> TreeDeleter.delete(tree));
  }
}
