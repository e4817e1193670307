package io.layerstore.core.image.change;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Ports as {@code EXPOSE} takes them: {@code 80}, {@code 80/udp}, {@code 8000-8010/tcp}; what
 * stands before a colon is about the host, and is checked and dropped.
 */
final class Ports {

  private static final Set<String> PROTOCOLS = Set.of("tcp", "udp", "sctp");
  private static final Pattern RANGE = Pattern.compile("([0-9]{1,5})(?:-([0-9]{1,5}))?");
  private static final int MAX_PORT = 65535;

  private Ports() {}

  /**
   * Each port as {@code number/protocol}; a slash with nothing after it is TCP's.
   *
   * @throws IllegalArgumentException if {@code text} says no ports
   */
  static List<String> parse(String text) {
    int slash = text.indexOf('/');
    String said = slash < 0 ? "" : text.substring(slash + 1).toLowerCase(Locale.ROOT);
    String protocol = said.isEmpty() ? "tcp" : said;
    String ports = slash < 0 ? text : text.substring(0, slash);
    if (!PROTOCOLS.contains(protocol)) {
      throw new IllegalArgumentException("\"" + text + "\" has no protocol of tcp, udp and sctp");
    }
    int colon = ports.lastIndexOf(':');
    int[] range = range(text, ports.substring(colon + 1));
    if (colon >= 0) {
      String host = ports.substring(ports.lastIndexOf(':', colon - 1) + 1, colon);
      if (!host.isEmpty()) {
        int[] hostRange = range(text, host);
        int surplus = (hostRange[1] - hostRange[0]) - (range[1] - range[0]);
        if (surplus != 0 && range[0] != range[1]) {
          throw new IllegalArgumentException(
              "\"" + text + "\" does not have as many host ports as ports");
        }
      }
    }
    List<String> parsed = new ArrayList<>();
    for (int port = range[0]; port <= range[1]; port++) {
      parsed.add(port + "/" + protocol);
    }
    return parsed;
  }

  private static int[] range(String text, String ports) {
    Matcher matcher = RANGE.matcher(ports);
    if (matcher.matches()) {
      int first = Integer.parseInt(matcher.group(1));
      int last = matcher.group(2) == null ? first : Integer.parseInt(matcher.group(2));
      if (first <= last && last <= MAX_PORT) {
        return new int[] {first, last};
      }
    }
    throw new IllegalArgumentException("\"" + text + "\" has no port from 0 to 65535");
  }
}
