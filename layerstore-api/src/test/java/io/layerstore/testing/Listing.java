package io.layerstore.testing;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

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
}
