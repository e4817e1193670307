package io.layerstore.core;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FileOperation.Kind;
import java.nio.file.Path;

/** The file systems in memory on which a store has to be the same as on any other. */
public enum PoorFileSystem {
  /** That of a Unix, but with nothing that Java has only there. */
  PLAIN(Configuration.unix(), "/store"),
  /** Names that differ in case or Unicode form are one; they come back composed. */
  MAC(Configuration.osX(), "/store"),
  /** Many names and links are impossible as well. */
  WINDOWS(Configuration.windows(), "C:\\store"),
  /** It has no links. */
  NO_LINKS(Configuration.unix(), "/store") {
    @Override
    void spoil(FaultyFileSystem fileSystem) {
      fileSystem.lack(Kind.CREATE_LINK);
      fileSystem.lack(Kind.CREATE_SYMBOLIC_LINK);
    }
  },
  /** This user may make no links, as on Windows, which does not tell either what is one file. */
  NO_RIGHT_TO_LINK(Configuration.windows(), "C:\\store") {
    @Override
    void spoil(FaultyFileSystem fileSystem) {
      fileSystem.forbid(Kind.CREATE_LINK);
      fileSystem.forbid(Kind.CREATE_SYMBOLIC_LINK);
      fileSystem.hideFileKeys();
    }
  },
  /** Links can be made, but nobody can tell that they are one file. */
  NO_FILE_KEYS(Configuration.osX(), "/store") {
    @Override
    void spoil(FaultyFileSystem fileSystem) {
      fileSystem.hideFileKeys();
    }
  };

  @SuppressWarnings("ImmutableEnumChecker") // It is immutable, and not marked so.
  private final Configuration configuration;

  private final String root;

  PoorFileSystem(Configuration configuration, String root) {
    this.configuration = configuration;
    this.root = root;
  }

  void spoil(FaultyFileSystem fileSystem) {
    // As it is.
  }

  /** A place for a store on a new one; closing {@link #memory} frees it. */
  public Path newRoot() {
    FaultyFileSystem fileSystem =
        FaultyFileSystem.over(
            Jimfs.newFileSystem(configuration.toBuilder().setBlockSize(512).build()));
    spoil(fileSystem);
    return fileSystem.getPath(root);
  }

  /** What holds the bytes of {@code root}. */
  public static AutoCloseable memory(Path root) {
    return FaultyFileSystem.unwrap(root).getFileSystem();
  }
}
