package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

final class FailureTest {

  @Test
  void describe_storeException_isItsSentence() {
    LayerStoreException e = new LayerNotFoundException("sha256:12");

    assertEquals(e.getMessage(), Failure.describe(e));
  }

  @Test
  void describe_uncheckedIo_isTheCauses() {
    IOException cause = new LayerNotFoundException("sha256:12");

    assertEquals(cause.getMessage(), Failure.describe(new UncheckedIOException(cause)));
  }

  @Test
  void describe_missingFile_namesIt() {
    assertEquals(
        "no such file or directory: /x; check the path",
        Failure.describe(new NoSuchFileException("/x")));
  }

  @Test
  void describe_forbiddenFile_namesIt() {
    assertTrue(
        Failure.describe(new AccessDeniedException("/x")).startsWith("permission denied: /x; "));
  }

  @Test
  void describe_unexpected_saysWhereItCameFrom() {
    String line = Failure.describe(new IllegalStateException("odd"));

    assertTrue(line.contains("odd") && line.contains("FailureTest"), line);
  }

  @Test
  void oneLine_controlCharacters_areEscaped() {
    assertEquals("a b\\x1b[31mc\\x0d ü", Failure.oneLine(" a\nb\u001b[31mc\r ü\n"));
  }
}
