package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

final class WarningLogTest {

  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private final WarningLog.Warnings log =
      new WarningLog.Warnings(new PrintStream(written, true, StandardCharsets.UTF_8));

  @Test
  void warn_arguments_areOneLine() {
    log.warn("{}: /{}: {}", "layer", "f", "left\nout");
    assertEquals("layerstore: warning: layer: /f: left out\n", text());
  }

  @Test
  void warn_exception_givesItsMessageAndNoTrace() {
    log.warn("cannot tidy {}", "x", new IOException("it is in use"));
    assertEquals("layerstore: warning: cannot tidy x: it is in use\n", text());
  }

  @Test
  void info_any_isNotWritten() {
    log.info("registered");
    log.debug("so");
    assertEquals("", text());
  }

  @Test
  void getLogger_any_isOfThisLog() {
    assertInstanceOf(WarningLog.Warnings.class, LoggerFactory.getLogger("any"));
  }

  private String text() {
    return written.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
  }
}
