package io.layerstore.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How large the terminal is. */
record TerminalSize(int columns, int rows) {

  private static final TerminalSize DEFAULT = new TerminalSize(80, 24);
  private static final Pattern SIZE = Pattern.compile("([0-9]{1,4}) ([0-9]{1,4})\\s*");
  private static final int SECONDS = 2;

  /** Asks {@code stty}, for Java does not know; as large as terminals once were if it cannot. */
  static TerminalSize ofThisProcess() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(Path.of("/dev/tty").toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      try {
        return stty.waitFor(SECONDS, TimeUnit.SECONDS)
            ? parse(new String(stty.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
            : DEFAULT;
      } finally {
        stty.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return DEFAULT;
    } catch (IOException e) {
      return DEFAULT;
    }
  }

  /** What {@code stty size} says: rows, then columns; zeros where nobody knows. */
  static TerminalSize parse(String said) {
    Matcher size = SIZE.matcher(said);
    if (!size.matches()) {
      return DEFAULT;
    }
    int rows = Integer.parseInt(size.group(1));
    int columns = Integer.parseInt(size.group(2));
    return rows == 0 || columns == 0 ? DEFAULT : new TerminalSize(columns, rows);
  }
}
