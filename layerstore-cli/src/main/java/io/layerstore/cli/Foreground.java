package io.layerstore.cli;

import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import org.jspecify.annotations.Nullable;

/**
 * Runs a command as if it had been started in place of this one: with its standard streams, and
 * with the signals meant for it.
 *
 * <p>A signal does not end this process while the command runs, so that whatever was set up for the
 * command can be taken down after it. What a terminal sends reaches the command by itself, and the
 * command decides, as an interactive shell does. Any other is passed on as {@code TERM}. Used once.
 */
final class Foreground {
  private final Console console;
  private final boolean outputToErr;

  private @Nullable Process running;
  private boolean isEndAsked;

  /**
   * Prepares to run a command.
   *
   * @param outputToErr whether the standard output is needed for something else
   */
  Foreground(Console console, boolean outputToErr) {
    this.console = console;
    this.outputToErr = outputToErr;
  }

  /**
   * Runs a command and waits for it.
   *
   * @return its exit status; 128 and the signal's number if a signal ended it
   * @throws LayerStoreException if it cannot be started
   */
  int run(ProcessBuilder builder) throws IOException {
    builder.inheritIO();
    if (outputToErr) {
      builder.redirectOutput(Redirect.PIPE);
    }
    Signals signals = Signals.handle(this::passOn);
    try {
      Process process = start(builder);
      if (outputToErr) {
        try (InputStream output = process.getInputStream()) {
          output.transferTo(console.err());
        }
      }
      return waitFor(process);
    } finally {
      signals.restore();
    }
  }

  private synchronized Process start(ProcessBuilder builder) throws LayerStoreException {
    try {
      Process process = builder.start();
      if (isEndAsked) {
        process.destroy();
      }
      running = process;
      return process;
    } catch (IOException e) {
      throw new LayerStoreException(
          "cannot run " + builder.command().get(0) + ": " + e.getMessage() + "; check the command",
          e);
    }
  }

  private synchronized void passOn(String signal) {
    if (signal.equals("INT") && Console.isTerminal(0)) {
      return;
    }
    isEndAsked = true;
    if (running != null) {
      running.destroy();
    }
  }

  /** Waits as long as it takes: what is mounted for the command must outlive it. */
  private static int waitFor(Process process) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return process.waitFor();
        } catch (InterruptedException e) {
          interrupted = true;
          process.destroy();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
