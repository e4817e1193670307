package io.layerstore.core;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** Hostile archives on an in-memory root. */
final class HostileArchiveOnJimfsTest extends HostileArchiveContract {

  @Override
  Path newDirectory() throws IOException {
    FileSystem memory =
        Jimfs.newFileSystem(
            Configuration.unix().toBuilder()
                .setAttributeViews("basic", "owner", "posix", "unix", "user")
                .setBlockSize(512)
                .build());
    return Files.createDirectory(memory.getPath("/test"));
  }
}
