package io.layerstore.overlay2.linux.wire;

import io.layerstore.IdMapping;
import io.layerstore.spi.HelperFailureException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes the id maps of a helper's user namespace, through the programs that may do so for ranges
 * that the system grants a user.
 */
public final class IdMaps {

  private static final int MAX_OUTPUT = 4096;

  private IdMaps() {}

  static void write(long pid, IdMapping ranges) throws FailureException, InterruptedException {
    run("newuidmap", pid, ranges.uids());
    run("newgidmap", pid, ranges.gids());
  }

  private static void run(String program, long pid, List<IdMapping.Range> ranges)
      throws FailureException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program, Long.toString(pid)));
    for (IdMapping.Range range : ranges) {
      command.add(Long.toString(range.containerId()));
      command.add(Long.toString(range.hostId()));
      command.add(Long.toString(range.count()));
    }
    String output;
    int status;
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      try (InputStream in = process.getInputStream()) {
        output = new String(in.readNBytes(MAX_OUTPUT), StandardCharsets.ISO_8859_1).trim();
      }
      status = process.waitFor();
    } catch (IOException e) {
      throw failure(
          program, e.getMessage() + "; install it (Debian: uidmap, Fedora: shadow-utils)", e);
    }
    if (status != 0) {
      throw failure(program, "ended with status " + status + ", saying: " + output, null);
    }
  }

  private static FailureException failure(
      String program, String problem, @Nullable Throwable cause) {
    return new FailureException(program, problem, cause);
  }

  /** The system does not let this user have the ids that a helper was to have. */
  public static final class FailureException extends HelperFailureException {
    private static final long serialVersionUID = 1L;

    public FailureException(String program, String problem, @Nullable Throwable cause) {
      super(HelperProcess.DRIVER, null, "map ids with " + program, 0, problem, cause);
    }
  }
}
