package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is wrong usage, and what help there is. No store is touched. */
final class UsageTest {
  private static final List<String> COMMANDS =
      List.of(
          "info",
          "register",
          "layers",
          "inspect",
          "export",
          "release",
          "create",
          "mount",
          "unmount",
          "diff",
          "commit",
          "rm",
          "rwlayers",
          "load",
          "save",
          "images",
          "tag",
          "rmi",
          "import",
          "history",
          "df",
          "prune",
          "demo");

  @TempDir private Path temp;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "--json",
        "regster",
        "layers extra",
        "layers --no-such-option",
        "register",
        "register a b",
        "register --parent",
        "register --expect sha256:12 layer.tar",
        "inspect",
        "export",
        "release",
        "create",
        "create a b",
        "mount",
        "mount a --no-such-option",
        "unmount",
        "diff",
        "commit",
        "rm",
        "--driver-opt novalue info",
        "demo a b",
        "--root x demo",
        "--read-only demo",
        "--json export abc",
        "load",
        "load a b",
        "load --platform linux a",
        "load --platform linux//v8 a",
        "save -o x",
        "save image",
        "save --format tar -o x image",
        "save --compress bzip2 -o x image",
        "--json save -o - image",
        "tag image",
        "tag image UPPER",
        "rmi",
        "import",
        "import layer.tar UPPER",
        "history",
        "commit --message text name",
        "commit --image UPPER name",
        "prune extra",
      })
  void run_wrongUsage_exitsWith2AndOneLine(String commandLine) {
    String[] args = commandLine.isEmpty() ? new String[0] : commandLine.split(" ", -1);

    Cli.Result result =
        commandLine.contains("demo")
            ? Cli.runPlain(new byte[0], args)
            : new Cli(temp.resolve("root")).run(args);

    String line = result.failed(Main.WRONG_USAGE);
    assertTrue(line.startsWith("layerstore: "), line);
    assertEquals("", result.out());
  }

  @Test
  void run_wrongUsage_namesTheHelpOfTheCommand() {
    String line = Cli.runPlain(new byte[0], "create").failed(Main.WRONG_USAGE);

    assertTrue(line.endsWith("see 'layerstore create --help'"), line);
  }

  @Test
  void run_misspeltCommand_suggestsTheRightOne() {
    String line = Cli.runPlain(new byte[0], "regster").failed(Main.WRONG_USAGE);

    assertTrue(line.contains("did you mean 'register'?"), line);
  }

  @Test
  void run_wrongUsage_createsNoStore() {
    Path root = temp.resolve("root");

    Cli.runPlain(new byte[0], "--root", root.toString(), "register").failed(Main.WRONG_USAGE);

    assertFalse(Files.exists(root));
  }

  @Test
  void help_ofTheWhole_listsEveryCommand() {
    Cli.Result result = Cli.runPlain(new byte[0], "--help").succeeded();

    for (String command : COMMANDS) {
      assertTrue(
          result.lines().stream().anyMatch(line -> line.matches("  " + command + " .*")), command);
    }
  }

  static List<String> commands() {
    return COMMANDS;
  }

  @ParameterizedTest
  @MethodSource("commands")
  void help_ofOneCommand_showsItsUsage(String command) {
    Cli.Result result = Cli.runPlain(new byte[0], command, "--help").succeeded();

    assertTrue(result.lines().get(0).contains("layerstore "), result.out());
    assertTrue(result.lines().get(0).contains(command), result.out());
  }

  @Test
  void version_always_namesTheProgram() {
    assertTrue(Cli.runPlain(new byte[0], "--version").succeeded().out().startsWith("layerstore "));
  }
}
