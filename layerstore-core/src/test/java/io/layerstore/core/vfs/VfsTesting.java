package io.layerstore.core.vfs;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.Durability;
import io.layerstore.IdMapping;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Opens the driver for tests, on the file systems it is to work on. */
final class VfsTesting {

  private VfsTesting() {}

  /** In memory, with everything that a Jimfs can do. */
  static FileSystem jimfs() {
    return Jimfs.newFileSystem(
        Configuration.unix().toBuilder()
            .setAttributeViews("basic", "owner", "posix", "unix", "user")
            .setBlockSize(512)
            .build());
  }

  static DriverContext context(Path root) {
    return context(root, Map.of(), IdMapping.IDENTITY, false);
  }

  static DriverContext context(
      Path root, Map<String, String> options, IdMapping mapping, boolean isReadOnly) {
    return new DriverContext(
        root, root.resolve("vfs"), options, mapping, Durability.NONE, isReadOnly);
  }

  static GraphDriver open(Path root) throws LayerStoreException {
    return new VfsDriverProvider().open(context(root));
  }

  /** Whether this process is root, by the owner of a file it makes. */
  static boolean isRoot(Path directory) throws IOException {
    Path file = Files.createTempFile(directory, "owner", "");
    try {
      return file.getFileSystem().supportedFileAttributeViews().contains("unix")
          && (Integer) Files.getAttribute(file, "unix:uid") == 0;
    } finally {
      Files.delete(file);
    }
  }
}
