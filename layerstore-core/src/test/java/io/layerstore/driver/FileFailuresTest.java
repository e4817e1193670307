package io.layerstore.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What users are told of files that cannot be used. */
final class FileFailuresTest {

  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(
            new NoSuchFileException("/a"), "no such file or directory: /a; check the path"),
        Arguments.of(
            new AccessDeniedException("/a"),
            "permission denied: /a; check its owner and mode, or run as another user"),
        Arguments.of(
            new FileAlreadyExistsException("/a"),
            "something is there already: /a; move it away or choose another place"),
        Arguments.of(new NotDirectoryException("/a"), "not a directory: /a; choose another place"),
        Arguments.of(
            new DirectoryNotEmptyException("/a"),
            "the directory is not empty: /a; empty it or choose another place"),
        Arguments.of(new FileSystemLoopException("/a"), "FileSystemLoopException: /a"),
        Arguments.of(
            new FileSystemException("/a", null, "No space left on device"),
            "/a: No space left on device"),
        Arguments.of(new IOException("line is down"), "line is down"),
        Arguments.of(new IOException(), "java.io.IOException"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void describe_failure_saysWhatHappenedToWhichFile(IOException failure, String description) {
    assertEquals(description, FileFailures.describe(failure));
  }

  @Test
  void describe_nameWithControlCharacters_isPrintable() {
    assertEquals(
        "no such file or directory: \\x1b[31m\\x0a; check the path",
        FileFailures.describe(new NoSuchFileException("\u001b[31m\n")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"No space left on device", "Disk quota exceeded"})
  void isForWantOfSpace_reasonOfACause_isSeen(String reason) {
    IOException failure = new IOException("x", new FileSystemException("/a", null, reason));
    assertTrue(FileFailures.isForWantOfSpace(failure));
  }

  @Test
  void isForWantOfSpace_anotherReason_isNot() {
    assertFalse(
        FileFailures.isForWantOfSpace(new FileSystemException("/a", null, "Input/output error")));
  }
}
