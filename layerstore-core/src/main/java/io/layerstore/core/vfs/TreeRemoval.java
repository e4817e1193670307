package io.layerstore.core.vfs;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/**
 * Deletes a directory tree of any depth with a handful of descriptors and short paths.
 *
 * <p>Directories found inside are moved up, next to each other directly below the top, before they
 * are emptied themselves. So no path gets longer than what the file system allows, however deep the
 * tree is, and the names of one directory are all that is in memory.
 */
final class TreeRemoval {

  private final Path top;
  private long count;

  private TreeRemoval(Path top) {
    this.top = top;
  }

  /** Deletes {@code tree}, which nobody else uses, without following links. */
  static void remove(Path tree) throws IOException {
    if (!Files.isDirectory(tree, LinkOption.NOFOLLOW_LINKS)) {
      Files.deleteIfExists(tree);
      return;
    }
    new TreeRemoval(tree).run();
  }

  private void run() throws IOException {
    makeAccessible(top);
    List<Path> waiting = empty(top);
    while (!waiting.isEmpty()) {
      Path next = waiting.remove(waiting.size() - 1);
      makeAccessible(next);
      for (Path below : empty(next)) {
        Path raised = freeName();
        makeAccessible(below);
        Files.move(below, raised, StandardCopyOption.ATOMIC_MOVE);
        waiting.add(raised);
      }
      Files.delete(next);
    }
    Files.delete(top);
  }

  /** Deletes what is no directory in {@code directory} and returns the rest. */
  private static List<Path> empty(Path directory) throws IOException {
    List<Path> below = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
          below.add(entry);
        } else {
          Files.deleteIfExists(entry);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return below;
  }

  private Path freeName() {
    Path name;
    do {
      name = top.resolve("raised-" + count++);
    } while (Files.exists(name, LinkOption.NOFOLLOW_LINKS));
    return name;
  }

  /** An ordinary user may have taken permissions from directories that are needed to empty them. */
  static void makeAccessible(Path directory) throws IOException {
    if (!directory.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      return;
    }
    try {
      if (!Files.isReadable(directory)
          || !Files.isWritable(directory)
          || !Files.isExecutable(directory)) {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
      }
    } catch (NoSuchFileException e) {
      // Then there is nothing to make accessible; the deletion says what is wrong.
    }
  }
}
