package io.layerstore.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The three standard streams of the command, and which of them a person looks at.
 *
 * @param in standard input
 * @param out standard output
 * @param err standard error
 * @param outIsTerminal whether {@code out} is a terminal
 * @param errIsTerminal whether {@code err} is a terminal
 */
record Console(
    InputStream in,
    OutputStream out,
    OutputStream err,
    boolean outIsTerminal,
    boolean errIsTerminal) {

  /** Writes one line to the error output, whatever the message contains. */
  void complain(String message) {
    String line = "layerstore: " + Failure.oneLine(message) + "\n";
    try {
      err.write(line.getBytes(StandardCharsets.UTF_8));
      err.flush();
    } catch (IOException e) {
      // There is nobody left to tell; the exit status still says it.
    }
  }

  /**
   * Whether the descriptor {@code fd} of this process is a terminal. Asks {@code /proc}, because
   * {@link System#console} speaks of all streams together; where there is no {@code /proc}, the
   * answer is no.
   */
  static boolean isTerminal(int fd) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }
}
