package io.layerstore.cli;

import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.util.List;

/**
 * Runs a command as if it had been started in place of this one: with its standard streams, and
 * with the signals meant for it.
 *
 * <p>A signal does not end this process while the command runs, so that whatever was set up for the
 * command can be taken down after it. What a terminal sends reaches the command by itself, and the
 * command decides, as an interactive shell does. Any other is passed on as {@code TERM}.
 */
final class Foreground {
  private final Console console;
  private final boolean outputToErr;

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
   * Runs {@code command} in {@code directory} and waits for it.
   *
   * @return its exit status; 128 and the signal's number if a signal ended it
   * @throws LayerStoreException if it cannot be started
   */
  int run(List<String> command, Path directory) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile()).inheritIO();
    if (outputToErr) {
      builder.redirectOutput(Redirect.PIPE);
    }
    Process[] running = new Process[1];
    Signals signals = Signals.handle(signal -> passOn(signal, running));
    try {
      Process process;
      synchronized (running) {
        process = start(builder);
        running[0] = process;
      }
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

  private static Process start(ProcessBuilder builder) throws LayerStoreException {
    try {
      return builder.start();
    } catch (IOException e) {
      throw new LayerStoreException(
          "cannot run " + builder.command().get(0) + ": " + e.getMessage() + "; check the command",
          e);
    }
  }

  private void passOn(String signal, Process[] running) {
    boolean fromTerminal = signal.equals("INT") && Console.isTerminal(0);
    synchronized (running) {
      if (!fromTerminal && running[0] != null) {
        running[0].destroy();
      }
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
