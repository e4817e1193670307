package io.layerstore.core.layer;

import io.layerstore.LayerPath;
import io.layerstore.RootDirectory;
import io.layerstore.RootedFile;
import io.layerstore.driver.rooted.InRootDirectory;
import io.layerstore.spi.GraphDriver;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.List;
import java.util.Set;

/**
 * A directory whose files can be used as long as it is mounted.
 *
 * <p>Safe for use by many threads.
 */
@SuppressWarnings("try") // Calls are held by scope, not by name.
final class GuardedDirectory implements RootDirectory {

  /** Lets calls in while the directory is mounted. */
  @FunctionalInterface
  interface Guard {

    /**
     * Begins a call.
     *
     * @throws IllegalStateException if the directory shows nothing any more
     */
    Call enter();
  }

  /** One call that is under way. */
  @FunctionalInterface
  interface Call extends AutoCloseable {
    @Override
    void close();
  }

  private final RootDirectory root;
  private final Guard guard;

  /**
   * The files of the layer {@code id}, which {@code driver} has mounted at {@code mounted}; {@code
   * guard} is asked by every call that looks at them.
   */
  GuardedDirectory(GraphDriver driver, String id, Path mounted, Guard guard) {
    this.root = driver.rootDirectory(id, mounted).orElseGet(() -> InRootDirectory.asItIs(mounted));
    this.guard = guard;
  }

  @Override
  public Path path() {
    return root.path();
  }

  @Override
  public RootedFile file(String path) {
    return new GuardedFile(root.file(path));
  }

  @Override
  public RootedFile file(LayerPath path) {
    return new GuardedFile(root.file(path));
  }

  @Override
  public String toString() {
    return root.toString();
  }

  private final class GuardedFile implements RootedFile {

    private final RootedFile file;

    private GuardedFile(RootedFile file) {
      this.file = file;
    }

    @Override
    public Path path(LinkOption... options) throws IOException {
      try (Call call = guard.enter()) {
        return file.path(options);
      }
    }

    @Override
    public SeekableByteChannel newByteChannel(
        Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException {
      try (Call call = guard.enter()) {
        return file.newByteChannel(options, attributes);
      }
    }

    @Override
    public void createDirectories(FileAttribute<?>... attributes) throws IOException {
      try (Call call = guard.enter()) {
        file.createDirectories(attributes);
      }
    }

    @Override
    public List<LayerPath> list() throws IOException {
      try (Call call = guard.enter()) {
        return file.list();
      }
    }

    @Override
    public void delete() throws IOException {
      try (Call call = guard.enter()) {
        file.delete();
      }
    }

    @Override
    public String toString() {
      return file.toString();
    }
  }
}
