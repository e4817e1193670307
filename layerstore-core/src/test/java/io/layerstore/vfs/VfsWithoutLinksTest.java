package io.layerstore.vfs;

import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FileOperation.Kind;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** The contract where no links can be made, neither symbolic nor hard. */
class VfsWithoutLinksTest extends VfsContract {

  @Override
  protected Path newRoot() throws IOException {
    FileSystem memory = MemoryFiles.unix();
    FaultyFileSystem poor = FaultyFileSystem.over(memory);
    poor.forbid(Kind.CREATE_SYMBOLIC_LINK);
    poor.lack(Kind.CREATE_LINK);
    return Files.createDirectory(poor.wrap(memory.getPath("/contract")));
  }
}
