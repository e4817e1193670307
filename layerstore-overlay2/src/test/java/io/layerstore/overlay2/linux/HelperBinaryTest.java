package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.overlay2.linux.wire.Errno;
import io.layerstore.overlay2.linux.wire.SpawnFailure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HelperBinaryTest {

  private static final byte[] PROGRAM = "#!/bin/sh\nexit 0\n".getBytes(StandardCharsets.US_ASCII);
  private static final Path NO_STORE = Path.of("/nonexistent");

  @TempDir Path directory;

  private Path extract(Path... candidates) throws DriverNotSupportedException {
    return HelperBinary.extracted(PROGRAM, List.of(candidates), NO_STORE);
  }

  @Nested
  class Locate {

    private final @Nullable String before = System.getProperty(HelperBinary.PROPERTY);

    @AfterEach
    void restoreProperty() {
      if (before == null) {
        System.clearProperty(HelperBinary.PROPERTY);
      } else {
        System.setProperty(HelperBinary.PROPERTY, before);
      }
    }

    @Test
    void locate_propertyNamesProgram_isUsed() throws IOException {
      Path program = Files.write(directory.resolve("helper"), PROGRAM);
      Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
      System.setProperty(HelperBinary.PROPERTY, program.toString());
      assertEquals(program, HelperBinary.locate(NO_STORE));
    }

    @Test
    void locate_propertyNamesNothing_failsAndTriesNothingElse() {
      System.setProperty(HelperBinary.PROPERTY, directory.resolve("missing").toString());
      DriverNotSupportedException e =
          assertThrows(DriverNotSupportedException.class, () -> HelperBinary.locate(NO_STORE));
      assertTrue(e.reason().contains(HelperBinary.PROPERTY));
    }

    @Test
    void locate_propertyNamesFileThatCannotBeExecuted_fails() throws IOException {
      Path file = Files.write(directory.resolve("helper"), PROGRAM);
      System.setProperty(HelperBinary.PROPERTY, file.toString());
      assertThrows(DriverNotSupportedException.class, () -> HelperBinary.locate(NO_STORE));
    }
  }

  @Nested
  class Packaged {

    @Test
    void resourceName_sameMachineUnderOtherNames_isTheSame() {
      assertEquals(
          "/io/layerstore/overlay2/native/linux-x86_64/layerstore-helper",
          HelperBinary.resourceName("Linux", "amd64"));
      assertEquals(
          HelperBinary.resourceName("Linux", "x86_64"),
          HelperBinary.resourceName("Linux", "amd64"));
      assertEquals(
          HelperBinary.resourceName("Linux", "aarch64"),
          HelperBinary.resourceName("Linux", "arm64"));
    }

    @Test
    void packaged_unknownMachine_saysWhatToDo() {
      DriverNotSupportedException e =
          assertThrows(
              DriverNotSupportedException.class, () -> HelperBinary.packaged("Plan 9", "vax"));
      assertTrue(
          e.reason()
              .startsWith(
                  "this build of layerstore-overlay2 has no native helper for Plan 9 on vax"),
          e.reason());
      assertTrue(e.reason().contains(HelperBinary.PROPERTY));
    }
  }

  @Nested
  class Extracted {

    @Test
    void extracted_newDirectory_isPrivateAndProgramCannotBeChanged() throws IOException {
      Path cache = directory.resolve("a/cache");
      Path program = extract(cache);
      assertEquals(cache, program.getParent());
      assertEquals(
          "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(cache)));
      assertEquals(
          "r-x------", PosixFilePermissions.toString(Files.getPosixFilePermissions(program)));
      assertArrayEquals(PROGRAM, Files.readAllBytes(program));
      assertEquals(List.of(program.getFileName().toString()), Helpers.names(cache));
    }

    @Test
    void extracted_again_isTheSameFile() throws IOException {
      Path program = extract(directory.resolve("cache"));
      Object inode = Files.getAttribute(program, "unix:ino");
      assertEquals(program, extract(directory.resolve("cache")));
      assertEquals(inode, Files.getAttribute(program, "unix:ino"));
    }

    @Test
    void extracted_againAfterChange_isReplaced() throws IOException {
      Path program = extract(directory.resolve("cache"));
      Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
      Files.writeString(program, "#!/bin/sh\necho changed\n");
      extract(directory.resolve("cache"));
      assertArrayEquals(PROGRAM, Files.readAllBytes(program));
    }

    @Test
    void extracted_againAfterReplacementByLink_isReplaced() throws IOException {
      Path program = extract(directory.resolve("cache"));
      Path other = Files.write(directory.resolve("other"), PROGRAM);
      Files.delete(program);
      Files.createSymbolicLink(program, other);
      extract(directory.resolve("cache"));
      assertFalse(Files.isSymbolicLink(program));
    }

    @Test
    void extracted_directoryOpenToOthers_isMadePrivate() throws IOException {
      Path cache = Files.createDirectory(directory.resolve("cache"));
      Files.setPosixFilePermissions(cache, PosixFilePermissions.fromString("rwxrwxrwx"));
      extract(cache);
      assertEquals(
          "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(cache)));
    }

    @Test
    void extracted_directoryOfAnotherUser_isNotUsed() throws IOException {
      Helpers.assumeRoot();
      Path cache = Files.createDirectory(directory.resolve("cache"));
      Files.setAttribute(cache, "unix:uid", 12345);
      assertNotEquals(cache, extract(cache).getParent());
    }

    @Test
    void extracted_directoryIsLink_isNotUsed() throws IOException {
      Path target = Files.createDirectory(directory.resolve("target"));
      Path link = Files.createSymbolicLink(directory.resolve("cache"), target);
      assertNotEquals(link, extract(link).getParent());
      assertEquals(List.of(), Helpers.names(target));
    }

    @Test
    void extracted_directoryInsideStore_isNotUsed() throws IOException {
      Path store = Files.createDirectory(directory.resolve("store"));
      Path found = HelperBinary.extracted(PROGRAM, List.of(store.resolve("overlay2/cache")), store);
      assertFalse(found.startsWith(store));
      assertEquals(List.of(), Helpers.names(store));
    }

    @Test
    void extracted_noexecDirectory_nextOneIsUsed() throws IOException {
      Helpers.assumeRoot();
      Path noexec = Files.createDirectory(directory.resolve("noexec"));
      assumeTrue(
          Helpers.run("mount", "-t", "tmpfs", "-o", "noexec,mode=700", "none", noexec.toString())
              == 0,
          "no tmpfs can be mounted");
      try {
        Path next = directory.resolve("next");
        assertEquals(next, extract(noexec, next).getParent());
        assertEquals(List.of(), Helpers.names(noexec));
      } finally {
        Helpers.run("umount", noexec.toString());
      }
    }

    /** As a process leaves it that is killed at any moment. */
    @ParameterizedTest
    @ValueSource(strings = {"", "lock", "lock,layerstore-helper", "lock,layerstore-helper,other"})
    void extracted_directoryOfAProcessThatIsGone_isDeleted(String names) throws IOException {
      Path cache = directory.resolve("cache");
      extract(cache);
      Path left = Files.createDirectory(cache.resolve("layerstore-work-123"));
      for (String name : names.isEmpty() ? new String[0] : names.split(",", -1)) {
        Files.createFile(left.resolve(name));
      }
      Path program = extract(cache);
      assertEquals(List.of(program.getFileName().toString()), Helpers.names(cache));
    }

    @Test
    void extracted_directoryOfALivingProcess_stays() throws IOException {
      Path cache = Files.createDirectory(directory.resolve("cache"));
      try (WorkDirectory living = WorkDirectory.create(cache)) {
        Path file = Files.createFile(living.file("file"));
        extract(cache);
        assertTrue(Files.exists(file));
      }
      assertEquals(1, Helpers.names(cache).size());
    }

    @Test
    void extracted_directoryOfAnotherUserBesideIt_stays() throws IOException {
      Helpers.assumeRoot();
      Path cache = Files.createDirectory(directory.resolve("cache"));
      Path other = Files.createDirectory(cache.resolve("layerstore-work-123"));
      Files.setAttribute(other, "unix:uid", 12345);
      extract(cache);
      assertTrue(Files.exists(other));
    }

    @Test
    void extracted_programDoesNotRun_saysWhatWasTried() {
      byte[] garbage = {1, 2, 3};
      DriverNotSupportedException e =
          assertThrows(
              DriverNotSupportedException.class,
              () -> HelperBinary.extracted(garbage, List.of(directory.resolve("cache")), NO_STORE));
      assertTrue(e.reason().contains(directory.resolve("cache").toString()));
      assertTrue(e.reason().contains(HelperBinary.PROPERTY));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Cannot run program \"/x/helper\": error=13, Permission denied",
        "Cannot run program \"/x/helper\": Exec failed, error: 13 (Permission denied) "
      })
  void explain_permissionDenied_namesNoexecAndProperty(String message) {
    IOException failure = new IOException(message);
    String text = SpawnFailure.explain(Path.of("/x/helper"), failure);
    assertEquals(Errno.EACCES, SpawnFailure.errnoOf(failure));
    assertTrue(text.contains("noexec"));
    assertTrue(text.contains(HelperBinary.PROPERTY));
  }
}
