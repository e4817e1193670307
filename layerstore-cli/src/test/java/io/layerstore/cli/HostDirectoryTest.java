package io.layerstore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.testing.Canary;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Directories that files are copied into, while somebody else exchanges them for links. */
final class HostDirectoryTest {
  private static final Path NAME = Path.of("name");

  @TempDir private Path temp;
  private Canary canary;
  private HostDirectory target;

  @BeforeEach
  void openTarget() throws IOException {
    canary = Canary.create(temp.resolve("outside"));
    target = HostDirectory.open(Files.createDirectory(temp.resolve("target")));
  }

  @AfterEach
  void outsideIsUntouched() throws IOException {
    target.close();
    canary.assertUntouched();
  }

  /** A directory in the target, which was moved away since, and a link put in its place. */
  private HostDirectory exchanged() throws IOException {
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(temp)) {
      assumeTrue(stream instanceof SecureDirectoryStream, "directories are not held open here");
    }
    HostDirectory directory = target.directory(NAME);
    Files.move(target.path(NAME), temp.resolve("moved"));
    Files.createSymbolicLink(target.path(NAME), canary.directory());
    return directory;
  }

  @Test
  void file_inAnExchangedDirectory_isWhereTheDirectoryIsNow() throws IOException {
    try (HostDirectory directory = exchanged();
        OutputStream out = directory.file(NAME)) {
      out.write("x".getBytes(UTF_8));
    }
    assertEquals("x", Files.readString(temp.resolve("moved/name")));
  }

  @Test
  void clear_inAnExchangedDirectory_deletesNothingElse() throws IOException {
    try (HostDirectory directory = exchanged()) {
      directory.clear(Path.of("canary"));
    }
  }

  @Test
  void linksAndDirectories_inAnExchangedDirectory_areRefused() throws IOException {
    try (HostDirectory directory = exchanged()) {
      assertThrows(FileSystemException.class, () -> directory.symlink(NAME, Path.of("x")));
      assertThrows(FileSystemException.class, () -> directory.directory(NAME));
      assertThrows(
          FileSystemException.class, () -> directory.link(NAME, temp.resolve("moved"), null));
    }
  }

  @Test
  void directory_thatIsALink_isRefused() throws IOException {
    Files.createSymbolicLink(target.path(NAME), canary.directory());
    assertThrows(NotDirectoryException.class, () -> target.directory(NAME));
  }

  @Test
  void link_toAFileThatWasExchanged_isUndone() throws IOException {
    target.file(NAME).close();
    Object key = target.key(NAME);
    Path other = Files.writeString(temp.resolve("other"), "other");
    assertFalse(target.link(Path.of("link"), other, key));
    assertFalse(Files.exists(target.path(Path.of("link"))));
  }

  @Test
  void clear_directoryInTheWay_isRefused() throws IOException {
    target.directory(NAME).close();
    assertThrows(FileAlreadyExistsException.class, () -> target.clear(NAME));
  }
}
