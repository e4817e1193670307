package io.layerstore.overlay2.linux.wire;

import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Why a program could not be started; the JDK tells the error number in its message only. */
public final class SpawnFailure {

  /**
   * {@code error=13, Permission denied} up to JDK 24, {@code error: 13 (Permission denied)} since.
   */
  private static final Pattern ERRNO = Pattern.compile("\\berror[=:] ?([0-9]{1,3})\\b");

  private SpawnFailure() {}

  /** The error number, or 0 if the message has none. */
  public static int errnoOf(IOException e) {
    Matcher matcher = ERRNO.matcher(String.valueOf(e.getMessage()));
    return matcher.find() ? Integer.parseInt(matcher.group(1)) : 0;
  }

  /** What went wrong and what to do. */
  public static String explain(Path program, IOException e) {
    if (errnoOf(e) == Errno.EACCES) {
      return "cannot execute "
          + program
          + ", probably because its file system is mounted noexec; put the helper where programs"
          + " can be executed and name it with the system property "
          + HelperProcess.PROPERTY;
    }
    return "cannot execute " + program + ": " + e.getMessage();
  }
}
