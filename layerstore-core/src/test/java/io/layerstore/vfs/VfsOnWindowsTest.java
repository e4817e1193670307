package io.layerstore.vfs;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** The contract where many names are not possible, and few links. */
class VfsOnWindowsTest extends VfsContract {

  @Override
  protected Path newRoot() throws IOException {
    FileSystem memory =
        Jimfs.newFileSystem(
            Configuration.windows().toBuilder()
                .setAttributeViews("basic", "owner", "posix", "unix", "user")
                .setBlockSize(512)
                .build());
    return Files.createDirectory(memory.getPath("C:\\contract"));
  }
}
