package io.layerstore.cli;

import io.layerstore.Progress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * One line at the bottom of a terminal that says how far an operation has come; silent when the
 * error output is not a terminal.
 *
 * <p>Safe for use by several threads.
 */
final class ProgressBar {
  private static final int WIDTH = 24;
  private static final String CLEAR_LINE = "\r\u001b[K";

  private final Console console;
  private boolean visible;
  private boolean quiet;

  ProgressBar(Console console) {
    this.console = console;
  }

  /** Shows nothing from now on, whatever the error output is. */
  void setQuiet(boolean quiet) {
    this.quiet = quiet;
  }

  private boolean isShown() {
    return console.errIsTerminal() && !quiet;
  }

  /** What to give to the store; null if nothing is shown. */
  Progress.@Nullable Listener listener() {
    return isShown() ? this::show : null;
  }

  private void show(Progress progress) {
    if (progress.phase() == Progress.Phase.DONE) {
      clear();
      return;
    }
    if (progress.waitingFor().isPresent()) {
      write(CLEAR_LINE + "waiting for " + progress.waitingFor().get().describe(), true);
      return;
    }
    String phase = progress.phase().name().toLowerCase(Locale.ROOT);
    show(phase, progress.bytes(), progress.totalBytes(), progress.entries());
  }

  /** Shows bytes that are not counted by the store. */
  void show(String what, long bytes, OptionalLong total, long entries) {
    if (!isShown()) {
      return;
    }
    StringBuilder line = new StringBuilder(CLEAR_LINE).append(what).append(' ');
    if (total.isPresent() && total.getAsLong() > 0) {
      double part = Math.min(1, (double) bytes / total.getAsLong());
      int full = (int) (part * WIDTH);
      line.append('[').append("#".repeat(full)).append(".".repeat(WIDTH - full)).append("] ");
      line.append((int) (part * 100)).append("% of ").append(Show.size(total.getAsLong()));
    } else {
      line.append(Show.size(bytes));
    }
    if (entries > 0) {
      line.append(", ").append(entries).append(" entries");
    }
    write(line.toString(), true);
  }

  /** Takes the line away. */
  synchronized void clear() {
    if (visible) {
      write(CLEAR_LINE, false);
    }
  }

  private synchronized void write(String text, boolean isVisible) {
    try {
      console.err().write(text.getBytes(StandardCharsets.UTF_8));
      console.err().flush();
      visible = isVisible;
    } catch (IOException e) {
      // The terminal is gone: nobody looks any more, and the operation goes on.
      visible = false;
    }
  }
}
