package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.testing.Busybox;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * A mounted tree as text, one line for an entry: type, mode, owner, time to the nanosecond,
 * content, link count, other names of the same file, every extended attribute. Not read by Java,
 * whose paths cannot have any bytes.
 */
final class TreeText {

  private static final Pattern TIME = Pattern.compile("mtime=(-?\\d+)");

  private final List<String> lines;

  private TreeText(List<String> lines) {
    this.lines = List.copyOf(lines);
  }

  /** What is below {@code root} now; skips the test without Python. */
  static TreeText of(Path root) throws IOException, InterruptedException {
    return new TreeText(
        Tool.require("python3").run("-c", script("describe-tree.py"), root).lines());
  }

  /** Writes an archive of a root file system that has one of everything, below {@code scratch}. */
  static Path writeBase(ScratchDirectory scratch) throws IOException, InterruptedException {
    Path tree = scratch.resolve("base");
    Busybox.createRoot(tree);
    Tool.require("python3").in(tree).run("-c", script("make-base.py"));
    Path archive = scratch.resolve("base.tar");
    Tool.require("tar")
        .run(
            "-C",
            tree,
            "--format=pax",
            "--numeric-owner",
            "--xattrs",
            "--xattrs-include=*",
            "-cf",
            archive,
            ".");
    return archive;
  }

  /** The text of a script that stands beside this class. */
  static String script(String name) throws IOException {
    try (InputStream in = TreeText.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  int size() {
    return lines.size();
  }

  /** Without the lines that a predicate holds for. */
  TreeText without(Predicate<String> predicate) {
    return new TreeText(lines.stream().filter(predicate.negate()).toList());
  }

  /**
   * With {@code now} for every time within an hour after {@code start}: of what no archive gives a
   * time to, which has that of its making.
   */
  TreeText withNow(Instant start) {
    return new TreeText(lines.stream().map(line -> withNow(line, start)).toList());
  }

  private static String withNow(String line, Instant start) {
    return TIME.matcher(line)
        .replaceAll(
            time -> {
              Instant at = Instant.ofEpochSecond(0, Long.parseLong(time.group(1)));
              boolean isNow = !at.isBefore(start) && at.isBefore(start.plus(1, ChronoUnit.HOURS));
              return isNow ? "mtime=now" : time.group();
            });
  }

  /** Fails with the lines that only one of both has. */
  void assertSameAs(TreeText actual) {
    assertEquals(List.of(), differences(actual), "- expected, + actual");
  }

  /** The lines that only this has, after {@code -}, and those that only the other has. */
  List<String> differences(TreeText actual) {
    List<String> differences = new ArrayList<>();
    Set<String> expectedLines = new LinkedHashSet<>(lines);
    Set<String> actualLines = new LinkedHashSet<>(actual.lines);
    lines.stream()
        .filter(line -> !actualLines.contains(line))
        .forEach(l -> differences.add("- " + l));
    actual.lines.stream()
        .filter(line -> !expectedLines.contains(line))
        .forEach(line -> differences.add("+ " + line));
    return differences;
  }
}
