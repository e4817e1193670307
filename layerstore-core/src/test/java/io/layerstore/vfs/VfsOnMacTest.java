package io.layerstore.vfs;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** The contract where names that differ in case or Unicode form only are one. */
class VfsOnMacTest extends VfsContract {

  @Override
  protected Path newRoot() throws IOException {
    FileSystem memory =
        Jimfs.newFileSystem(
            Configuration.osX().toBuilder()
                .setAttributeViews("basic", "owner", "posix", "unix", "user")
                .setBlockSize(512)
                .build());
    return Files.createDirectory(memory.getPath("/contract"));
  }
}
