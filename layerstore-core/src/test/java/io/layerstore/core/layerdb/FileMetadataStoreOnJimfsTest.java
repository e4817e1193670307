package io.layerstore.core.layerdb;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;

final class FileMetadataStoreOnJimfsTest extends FileMetadataStoreContract {

  private final FileSystem memory =
      Jimfs.newFileSystem(
          Configuration.unix().toBuilder()
              .setAttributeViews("basic", "owner", "posix", "unix", "user")
              .setBlockSize(512)
              .build());

  @Override
  Path newDirectory() throws IOException {
    return Files.createTempDirectory(Files.createDirectories(memory.getPath("/tmp")), "root");
  }

  @AfterEach
  void close() throws IOException {
    memory.close();
  }
}
