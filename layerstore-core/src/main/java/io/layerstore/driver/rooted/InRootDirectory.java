package io.layerstore.driver.rooted;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.RootDirectory;
import io.layerstore.RootedFile;
import java.nio.file.Path;

/**
 * The directory of a mount of any driver, whose files are reached without leaving it.
 *
 * <p>Safe for use by many threads: every call walks on its own.
 */
public final class InRootDirectory implements RootDirectory {

  /** Lets calls in while the directory is there. */
  @FunctionalInterface
  public interface Guard {

    /**
     * Begins a call.
     *
     * @throws IllegalStateException if the directory shows nothing any more
     */
    Call enter();
  }

  /** One call that is under way. */
  @FunctionalInterface
  public interface Call extends AutoCloseable {
    @Override
    void close();
  }

  private final Path path;
  private final DiskNames names;
  private final Guard guard;

  /** The directory {@code path}; {@code guard} is asked by every call that looks at files. */
  public InRootDirectory(Path path, Guard guard) {
    this.path = path;
    this.names = DiskNames.asTheyAre(path.getFileSystem());
    this.guard = guard;
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

  DiskNames names() {
    return names;
  }

  Call enter() {
    return guard.enter();
  }

  @Override
  public String toString() {
    return "RootDirectory[" + path + "]";
  }
}
