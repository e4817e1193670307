package io.layerstore.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.Set;

/**
 * Makes changes in a mounted layer with {@code java.nio.file}, as the user of a read-write layer
 * would.
 *
 * <p>What the file system cannot express, such as a device, skips the test.
 */
public final class MountedTree {

  private final Path root;

  /** The tree below {@code root}. */
  public MountedTree(Path root) {
    this.root = root;
  }

  /** The path of an entry. */
  public Path resolve(LayerPath path) {
    Path result = root;
    for (ByteString name : path.names()) {
      String text = name.decodeUtf8().orElse(null);
      assumeTrue(text != null, "java.nio.file needs names that are text");
      result = result.resolve(text);
    }
    return result;
  }

  /** The path of an entry. */
  public Path resolve(String path) {
    return resolve(LayerPath.of(path));
  }

  /** Makes the changes in their order; the times of directories are set at the end. */
  public void apply(TreeChange... changes) throws IOException {
    Deque<TreeEntry> directories = new ArrayDeque<>();
    for (TreeChange change : changes) {
      Path path = resolve(change.path());
      if (change instanceof TreeChange.Put put) {
        put(path, put);
        if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
          directories.push(put.entry());
        }
      } else if (change instanceof TreeChange.Remove) {
        delete(path);
      } else if (change instanceof TreeChange.Opaque) {
        clear(path);
      } else {
        throw new IllegalArgumentException("make the change itself: " + change);
      }
    }
    for (TreeEntry directory : directories) {
      setTimes(resolve(directory.path()), directory.attributes());
    }
  }

  private void put(Path path, TreeChange.Put put) throws IOException {
    TreeEntry entry = put.entry();
    boolean isKept =
        entry.type() == EntryType.DIRECTORY && Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
    if (!isKept) {
      delete(path);
    }
    switch (entry.type()) {
      case DIRECTORY -> {
        if (!isKept) {
          Files.createDirectory(path);
        }
      }
      case FILE -> Files.write(path, put.content().toByteArray());
      case SYMLINK -> {
        String text = entry.linkText().decodeUtf8().orElseThrow();
        link(() -> Files.createSymbolicLink(path, path.getFileSystem().getPath(text)));
      }
      case HARD_LINK -> link(() -> Files.createLink(path, resolve(entry.linkTarget())));
      default -> assumeTrue(false, "java.nio.file cannot make a " + entry.type());
    }
    setAttributes(path, entry);
  }

  @FunctionalInterface
  private interface Linking {
    void run() throws IOException;
  }

  private static void link(Linking linking) throws IOException {
    try {
      linking.run();
    } catch (UnsupportedOperationException | AccessDeniedException e) {
      assumeTrue(false, "the file system has no such links: " + e);
    }
  }

  private static void setAttributes(Path path, TreeEntry entry) throws IOException {
    Attributes attributes = entry.attributes();
    if (attributes.uid() != 0 || attributes.gid() != 0) {
      try {
        Files.setAttribute(path, "unix:uid", (int) attributes.uid(), LinkOption.NOFOLLOW_LINKS);
        Files.setAttribute(path, "unix:gid", (int) attributes.gid(), LinkOption.NOFOLLOW_LINKS);
      } catch (FileSystemException | UnsupportedOperationException | IllegalArgumentException e) {
        assumeTrue(false, "this user cannot give files away");
      }
    }
    if (!Files.isSymbolicLink(path)) {
      Files.getFileAttributeView(path, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
          .setPermissions(permissions(attributes.mode()));
    }
    setTimes(path, attributes);
  }

  private static void setTimes(Path path, Attributes attributes) throws IOException {
    Files.getFileAttributeView(path, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .setTimes(FileTime.from(attributes.modified()), FileTime.from(attributes.accessed()), null);
  }

  /** The nine permission bits of {@code mode}. */
  public static Set<PosixFilePermission> permissions(int mode) {
    PosixFilePermission[] all = PosixFilePermission.values();
    Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    for (int bit = 0; bit < all.length; bit++) {
      // The constants are in the order of the bits, OWNER_READ first.
      if ((mode & (0400 >> bit)) != 0) {
        permissions.add(all[bit]);
      }
    }
    return permissions;
  }

  private static void clear(Path directory) throws IOException {
    try (var entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        delete(entry);
      }
    }
  }

  private static void delete(Path path) throws IOException {
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        path,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
