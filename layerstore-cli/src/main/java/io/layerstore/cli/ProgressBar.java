package io.layerstore.cli;

import io.layerstore.Descriptor;
import io.layerstore.Progress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Says at the bottom of a terminal how far an operation has come: in one line, or, when layers go
 * to a registry or come from there, in one for each; silent when the error output is not a
 * terminal.
 *
 * <p>Safe for use by several threads.
 */
final class ProgressBar {
  private static final int WIDTH = 24;
  private static final String CLEAR_LINE = "\r\u001b[K";

  private static final long SHOW_EVERY_NANOS = 100_000_000;

  private final Console console;
  private boolean visible;
  private boolean quiet;
  private final Supplier<TerminalSize> size;
  private @Nullable LayerLines lines;
  private long lastCopied = System.nanoTime() - SHOW_EVERY_NANOS;

  ProgressBar(Console console) {
    this(console, TerminalSize::ofThisProcess);
  }

  ProgressBar(Console console, Supplier<TerminalSize> size) {
    this.console = console;
    this.size = size;
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

  private synchronized LayerLines lines() {
    LayerLines known = lines;
    if (known == null) {
      known = new LayerLines(size.get());
      lines = known;
    }
    return known;
  }

  private void showLayer(String id, LayerLines.Step step, long bytes, OptionalLong total) {
    if (isShown()) {
      lines().note(id, step, bytes, total);
      write(lines().draw(), false);
    }
  }

  /** Shows how much of a blob was copied, at most about ten times a second. */
  synchronized void showCopied(Descriptor blob, long bytes) {
    long now = System.nanoTime();
    if (bytes == blob.sizeBytes() || now - lastCopied >= SHOW_EVERY_NANOS) {
      lastCopied = now;
      showLayer(
          blob.digest().hex(), LayerLines.Step.SENDING, bytes, OptionalLong.of(blob.sizeBytes()));
    }
  }

  private synchronized void showLayers(Progress progress) {
    if (progress.phase() == Progress.Phase.DONE && !lines().isEmpty()) {
      lines().noteDone();
      write(lines().draw(), false);
    } else if (lines().note(progress)) {
      write(lines().draw(), false);
    }
  }

  private void show(Progress progress) {
    Progress.Kind kind = progress.operation().kind();
    if (kind == Progress.Kind.PULL || kind == Progress.Kind.PUSH) {
      showLayers(progress);
    }
    if (progress.phase() == Progress.Phase.DONE) {
      clear();
      return;
    }
    if (progress.waitingFor().isPresent()) {
      write(CLEAR_LINE + "waiting for " + progress.waitingFor().get().describe(), true);
      return;
    }
    if (progress.layer().isPresent()
        && (kind == Progress.Kind.PULL || kind == Progress.Kind.PUSH)) {
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
