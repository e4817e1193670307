package io.layerstore.core.image.change;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** The signals that Linux knows, by name and number. */
final class Signals {

  private static final Set<String> NAMES =
      Set.of(
          "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT",
          "KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM",
          "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
          "RTMIN", "RTMAX");
  private static final Pattern REAL_TIME =
      Pattern.compile("RTMIN\\+([1-9]|1[0-5])|RTMAX-([1-9]|1[0-4])");
  private static final Pattern NUMBER = Pattern.compile("[+-]?[0-9]{1,9}");

  private Signals() {}

  /**
   * Refuses what is no signal.
   *
   * @throws IllegalArgumentException if {@code text} is neither a name nor a number other than 0
   */
  static void require(String text) {
    if (NUMBER.matcher(text).matches()) {
      if (Integer.parseInt(text) != 0) {
        return;
      }
    } else {
      String upper = text.toUpperCase(Locale.ROOT);
      String name = upper.startsWith("SIG") ? upper.substring(3) : upper;
      if (NAMES.contains(name) || REAL_TIME.matcher(name).matches()) {
        return;
      }
    }
    throw new IllegalArgumentException("\"" + text + "\" is no signal");
  }
}
