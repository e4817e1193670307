package io.layerstore.testing;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A directory tree as sorted lines of text, by which two trees are compared: type, mode, owner,
 * size, links, time, name, target and content of every file.
 *
 * <p>Left out is what the portable driver keeps beside the tree and not in it: devices and fifos,
 * extended attributes, and the fraction of a second in the time of a symbolic link.
 */
public final class Listing {

  private static final String SCRIPT =
      """
      set -eu
      {
        find . -mindepth 1 -type d -printf '%P|d|%m|%U:%G|%T@\\0'
        find . -mindepth 1 -type l -printf '%P|l|%U:%G|%Ts|%l\\0'
        find . -mindepth 1 -type f ! \\( -perm 000 -size 0 \\) -printf '%P|f|%m|%U:%G|%T@|%n|%s\\0'
        find . -mindepth 1 -type f ! \\( -perm 000 -size 0 \\) -print0 | xargs -0 -r sha256sum -z
      } | sort -z | tr '\\0\\n' '\\n?'
      """;

  private Listing() {}

  /** The lines for everything below {@code directory}. */
  public static List<String> of(Path directory) throws IOException, InterruptedException {
    return Tool.require("bash").in(directory).run("-o", "pipefail", "-c", SCRIPT).lines();
  }

  /**
   * How the tree in {@code actual} differs from that in {@code expected}, line by line; empty if it
   * does not.
   */
  public static String difference(Path expected, Path actual)
      throws IOException, InterruptedException {
    List<String> expectedLines = of(expected);
    List<String> actualLines = of(actual);
    Set<String> missing = new LinkedHashSet<>(expectedLines);
    missing.removeAll(new HashSet<>(actualLines));
    Set<String> unexpected = new LinkedHashSet<>(actualLines);
    unexpected.removeAll(new HashSet<>(expectedLines));
    return Stream.concat(
            missing.stream().map(line -> "- " + line), unexpected.stream().map(line -> "+ " + line))
        .collect(Collectors.joining("\n"));
  }
}
