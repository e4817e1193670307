package io.layerstore.testing;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;

/** What can become of a file or directory of a store behind its back. */
public enum Damage {
  /** A file has no bytes any more, a directory no entries. */
  EMPTIED {
    @Override
    public void apply(Path path, Path outside) throws IOException {
      if (isDirectory(path)) {
        FileTime time = Files.getLastModifiedTime(path);
        delete(path, false);
        Files.setLastModifiedTime(path, time);
      } else {
        overwrite(path, new byte[0]);
      }
    }
  },
  /** A file has lost its second half. */
  CUT {
    @Override
    public boolean fits(Path path) {
      return isFileWithContent(path);
    }

    @Override
    public void apply(Path path, Path outside) throws IOException {
      byte[] bytes = Files.readAllBytes(path);
      overwrite(path, Arrays.copyOf(bytes, bytes.length / 2));
    }
  },
  /** A bit in the middle of a file has changed. */
  FLIPPED {
    @Override
    public boolean fits(Path path) {
      return isFileWithContent(path);
    }

    @Override
    public void apply(Path path, Path outside) throws IOException {
      byte[] bytes = Files.readAllBytes(path);
      bytes[bytes.length / 2] ^= 1;
      overwrite(path, bytes);
    }
  },
  /** It is gone, with everything in it. */
  DELETED {
    @Override
    public void apply(Path path, Path outside) throws IOException {
      delete(path, true);
    }
  },
  /** A directory is in the place of a file, a file in that of a directory. */
  OF_OTHER_TYPE {
    @Override
    public void apply(Path path, Path outside) throws IOException {
      boolean wasDirectory = isDirectory(path);
      delete(path, true);
      if (wasDirectory) {
        Files.write(path, new byte[] {'x'});
      } else {
        Files.createDirectory(path);
        Files.write(path.resolve("x"), new byte[] {'x'});
      }
    }
  },
  /** A symbolic link to something outside the store is in its place. */
  LINKED_OUT {
    @Override
    public void apply(Path path, Path outside) throws IOException {
      Path target = outside.resolve(isDirectory(path) ? "directory" : "file");
      delete(path, true);
      Files.createSymbolicLink(path, target);
    }
  };

  /** Whether it makes a difference to {@code path}. */
  public boolean fits(Path path) {
    return true;
  }

  /**
   * Does it.
   *
   * @param outside a directory with a {@code file} and a {@code directory}
   */
  public abstract void apply(Path path, Path outside) throws IOException;

  private static boolean isDirectory(Path path) {
    return Files.isDirectory(path, NOFOLLOW_LINKS);
  }

  private static boolean isFileWithContent(Path path) {
    try {
      return Files.isRegularFile(path, NOFOLLOW_LINKS) && Files.size(path) > 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** In place and with the same time, as a broken disk does it. */
  private static void overwrite(Path path, byte[] bytes) throws IOException {
    if (!Files.isRegularFile(path, NOFOLLOW_LINKS)) {
      // A link, a device: what it contains is its name.
      delete(path, true);
      Files.write(path, bytes);
      return;
    }
    FileTime time = Files.getLastModifiedTime(path);
    Files.write(path, bytes);
    Files.setLastModifiedTime(path, time);
  }

  private static void delete(Path tree, boolean withTop) throws IOException {
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, IOException failure)
              throws IOException {
            if (withTop || !directory.equals(tree)) {
              Files.delete(directory);
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
