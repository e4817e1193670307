package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.LayerStoreException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ForegroundTest {
  @TempDir private Path temp;

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Foreground foreground =
      new Foreground(
          new Console(
              InputStream.nullInputStream(), OutputStream.nullOutputStream(), err, false, false),
          true);

  @BeforeEach
  void requireShell() {
    assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "needs /bin/sh");
  }

  @Test
  void run_command_givesItsStatus() throws IOException {
    assertEquals(7, run("exit 7"));
  }

  @Test
  void run_commandEndedByASignal_gives128AndItsNumber() throws IOException {
    assertEquals(128 + 15, run("kill -TERM $$"));
  }

  @Test
  void run_builderWithADirectory_startsThere() throws IOException {
    run("pwd -P");

    assertEquals(temp.toRealPath() + "\n", err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void run_missingCommand_namesIt() {
    LayerStoreException e =
        assertThrows(
            LayerStoreException.class, () -> foreground.run(new ProcessBuilder("no-such-command")));

    assertTrue(e.getMessage().contains("no-such-command"), e.getMessage());
  }

  @Test
  void run_interruptedThread_endsTheCommandAndKeepsTheInterrupt() throws IOException {
    Thread.currentThread().interrupt();
    int status;
    try {
      status = run("exec sleep 600 >/dev/null");
    } finally {
      assertTrue(Thread.interrupted());
    }

    assertEquals(128 + 15, status);
  }

  private int run(String script) throws IOException {
    return foreground.run(new ProcessBuilder("/bin/sh", "-c", script).directory(temp.toFile()));
  }
}
