package io.layerstore.driver.rooted;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.RootDirectory;
import io.layerstore.RootedFile;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The directory of a mount of any driver, whose files are reached without leaving it.
 *
 * <p>Safe for use by many threads: every call walks on its own.
 */
public final class InRootDirectory implements RootDirectory {

  /** Looks at the tree anew for every call. */
  @FunctionalInterface
  public interface Opener {

    /** A view of the tree as it is now; the caller closes it. */
    TreeView open() throws IOException;
  }

  private final Path path;
  private final Opener opener;

  private InRootDirectory(Path path, Opener opener) {
    this.path = path;
    this.opener = opener;
  }

  /** The directory {@code path}, in which everything is what {@code opener} says. */
  public static InRootDirectory of(Path path, Opener opener) {
    return new InRootDirectory(path, opener);
  }

  /** The directory {@code path}, in which everything is what the file system shows. */
  public static InRootDirectory asItIs(Path path) {
    DiskNames names = DiskNames.asTheyAre(path.getFileSystem());
    return new InRootDirectory(
        path,
        isDescriptor(path)
            ? () -> () -> Directory.openDescriptor(path, names)
            : () -> () -> Directory.open(path, names));
  }

  /** Whether this is {@code /proc/PID/fd/N}, as a mount is reached that is attached nowhere. */
  private static boolean isDescriptor(Path path) {
    return path.startsWith("/proc") && path.getNameCount() == 4 && path.getName(2).endsWith("fd");
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public RootedFile file(String text) {
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("a path has no NUL: \"" + ByteString.utf8(text) + "\"");
    }
    // Text from a path of this system may have bytes that are no characters in it.
    return new InRootFile(this, ByteNames.escape(text));
  }

  @Override
  public RootedFile file(LayerPath place) {
    return new InRootFile(this, place.bytes());
  }

  TreeView view() throws IOException {
    return opener.open();
  }

  @Override
  public String toString() {
    return "RootDirectory[" + path + "]";
  }
}
