package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

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
          "explain",
          "df",
          "prune",
          "append",
          "ls",
          "cat",
          "tree",
          "cp",
          "demo",
          "help",
          "run");

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
        "explain",
        "commit --message text name",
        "commit --image UPPER name",
        "prune extra",
        "append",
        "append x",
        "append --chown me x:/y",
        "ls",
        "ls a b c",
        "cat a",
        "cp a:/b",
        "cp a b",
        "tree",
        "help nothing",
        "help load save",
        "layers --tree -q",
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

  @ParameterizedTest
  @ValueSource(strings = {"regster", "help regster"})
  void run_misspeltCommand_suggestsTheRightOne(String commandLine) {
    String line = Cli.runPlain(new byte[0], commandLine.split(" ", -1)).failed(Main.WRONG_USAGE);

    assertEquals(
        "layerstore: no command: regster; did you mean 'register'?; see 'layerstore --help'", line);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "relase", "rn", "rmm", "rmj", "prunee", "remi", "helpp", "ps", "delete", "x", "ls"
      })
  void run_misspeltCommand_suggestsNothingThatDeletes(String command) {
    assertSuggestsNothingThatDeletes(command);
  }

  @Test
  void run_anyCommandWithOneLetterWrong_suggestsNothingThatDeletes() {
    for (String command : COMMANDS) {
      for (int i = 0; i < command.length(); i++) {
        String rest = command.substring(i + 1);
        assertSuggestsNothingThatDeletes(command.substring(0, i) + rest);
        assertSuggestsNothingThatDeletes(command.substring(0, i) + "x" + rest);
        assertSuggestsNothingThatDeletes(command.substring(0, i) + "x" + command.charAt(i) + rest);
      }
    }
  }

  private static void assertSuggestsNothingThatDeletes(String word) {
    if (COMMANDS.contains(word) || word.isEmpty()) {
      return;
    }
    String line = Cli.runPlain(new byte[0], word).failed(Main.WRONG_USAGE);

    assertFalse(line.matches(".*did you mean '(release|rm|rmi|prune)'.*"), line);
  }

  @ParameterizedTest
  @CsvSource({
    "imges, images",
    "layer, layers",
    "tagg, tag",
    "mout, mount",
    "comit, commit",
    "laod, load",
    "hlep, help",
    "prun, run"
  })
  void run_misspeltCommand_suggestsTheNearest(String command, String meant) {
    String line = Cli.runPlain(new byte[0], command).failed(Main.WRONG_USAGE);

    assertTrue(line.contains("did you mean '" + meant + "'?"), line);
  }

  @Test
  void run_misspeltOption_suggestsTheRightOneUnlessItDeletesMore() {
    assertTrue(
        Cli.runPlain(new byte[0], "layers", "--tre")
            .failed(Main.WRONG_USAGE)
            .contains("did you mean '--tree'?"));
    assertFalse(
        Cli.runPlain(new byte[0], "rmi", "--forc", "x")
            .failed(Main.WRONG_USAGE)
            .contains("did you mean"));
  }

  @Test
  void run_wrongUsage_createsNoStore() {
    Path root = temp.resolve("root");

    Cli.runPlain(new byte[0], "--root", root.toString(), "register").failed(Main.WRONG_USAGE);

    assertFalse(Files.exists(root));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void help_asACommand_isThatOfTheOption(String command) {
    assertEquals(
        Cli.runPlain(new byte[0], command, "--help").succeeded().out(),
        Cli.runPlain(new byte[0], "help", command).succeeded().out());
  }

  @Test
  void help_asACommandAlone_isThatOfTheWhole() {
    String whole = Cli.runPlain(new byte[0], "--help").succeeded().out();

    assertEquals(whole, Cli.runPlain(new byte[0], "help").succeeded().out());
    assertEquals(whole, Cli.runPlain(new byte[0], "--help", "load").succeeded().out());
  }

  @Test
  void help_ofTheWhole_groupsTheCommands() {
    List<String> lines = Cli.runPlain(new byte[0], "--help").succeeded().lines();

    List<String> groups = List.of("Images:", "Read-write layers:", "Layers:", "The store:");
    assertEquals(groups, lines.stream().filter(groups::contains).toList());
    assertTrue(
        lines.stream().anyMatch(line -> line.startsWith("  load ")) && lines.contains("Examples:"),
        lines::toString);
  }

  @ParameterizedTest
  @MethodSource("commands")
  void help_ofOneCommand_hasExamplesThatMakeSense(String command) {
    List<String> lines = Cli.runPlain(new byte[0], command, "--help").succeeded().lines();
    List<String> examples =
        lines.subList(lines.indexOf("Examples:") + 1, lines.size()).stream()
            .takeWhile(line -> !line.isEmpty())
            .toList();

    assertFalse(examples.isEmpty(), lines::toString);
    for (String example : examples) {
      String own = example.substring(example.indexOf("layerstore ")).split(" \\| ", -1)[0];
      String[] words = own.split(" ", -1);
      String[] args = Arrays.copyOfRange(words, 1, words.length);
      CommandLine commandLine =
          new Layerstore(
                  new Console(
                      InputStream.nullInputStream(),
                      OutputStream.nullOutputStream(),
                      OutputStream.nullOutputStream(),
                      false,
                      false),
                  Map.of())
              .commandLine(args);

      ParseResult parsed = commandLine.parseArgs(args);

      assertEquals(command, parsed.subcommand().commandSpec().name(), example);
    }
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
