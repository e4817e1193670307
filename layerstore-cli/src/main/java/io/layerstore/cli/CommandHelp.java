package io.layerstore.cli;

import java.util.List;
import java.util.Map;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Column;
import picocli.CommandLine.Help.Column.Overflow;
import picocli.CommandLine.Help.TextTable;

/** What the help texts say besides each command's own description: groups, and examples. */
final class CommandHelp {

  /** Commands that are about the same thing. */
  record Group(String title, List<String> commands) {}

  /** In the order of the help text. */
  static final List<Group> GROUPS =
      List.of(
          new Group(
              "Images",
              List.of(
                  "load", "save", "images", "tag", "rmi", "import", "append", "history", "explain",
                  "df", "prune")),
          new Group("Registries", List.of("pull", "push", "tags", "copy", "login", "logout")),
          new Group("Files of an image", List.of("ls", "cat", "tree", "cp")),
          new Group(
              "Read-write layers",
              List.of("create", "run", "mount", "unmount", "diff", "commit", "rm", "rwlayers")),
          new Group("Layers", List.of("register", "layers", "export", "release")),
          new Group("The store", List.of("info", "inspect", "demo", "help")));

  private static final List<String> FIRST_STEPS =
      List.of(
          "docker save debian:12 | layerstore load -",
          "layerstore create work --parent debian:12",
          "layerstore run work -- ls -l",
          "layerstore diff work",
          "layerstore commit --image mine:1 work");

  private static final Map<String, List<String>> EXAMPLES =
      Map.ofEntries(
          Map.entry(
              "load",
              List.of("layerstore load image.tar", "docker save debian:12 | layerstore load -")),
          Map.entry(
              "save",
              List.of(
                  "layerstore save -o image.tar debian:12 mine:1",
                  "layerstore save --format oci -o layout/ mine:1",
                  "layerstore save -o - mine:1 | docker load")),
          Map.entry(
              "pull",
              List.of("layerstore pull debian:12", "layerstore pull --all-platforms debian:12")),
          Map.entry(
              "push",
              List.of(
                  "layerstore push mine:1 registry.example.com/mine:1",
                  "layerstore push --all-platforms debian:12 registry.example.com/debian:12")),
          Map.entry("tags", List.of("layerstore tags registry.example.com/mine")),
          Map.entry(
              "copy",
              List.of(
                  "layerstore copy docker://debian:12 docker://registry.example.com/debian:12",
                  "layerstore copy docker://debian:12 oci:layout/")),
          Map.entry("login", List.of("layerstore login -u me registry.example.com")),
          Map.entry("logout", List.of("layerstore logout registry.example.com")),
          Map.entry("images", List.of("layerstore images", "layerstore images -q")),
          Map.entry("tag", List.of("layerstore tag debian:12 mine:1")),
          Map.entry("rmi", List.of("layerstore rmi mine:1")),
          Map.entry("import", List.of("layerstore import root.tar.gz mine:1")),
          Map.entry("explain", List.of("layerstore explain mine:1", "layerstore explain 3f5a")),
          Map.entry("history", List.of("layerstore history mine:1")),
          Map.entry("df", List.of("layerstore df")),
          Map.entry(
              "prune",
              List.of("layerstore prune --dry-run", "layerstore prune --layers --dry-run")),
          Map.entry("create", List.of("layerstore create work --parent debian:12")),
          Map.entry(
              "run",
              List.of(
                  "layerstore run work -- cp -r /tmp/app .",
                  "layerstore run --chroot work -- /bin/sh")),
          Map.entry("mount", List.of("layerstore mount work", "layerstore mount work -- du -sh .")),
          Map.entry("unmount", List.of("layerstore unmount work")),
          Map.entry("diff", List.of("layerstore diff work", "layerstore diff debian:11 debian:12")),
          Map.entry(
              "ls",
              List.of(
                  "layerstore ls -l debian:12 /etc",
                  "layerstore ls -lR image.tar",
                  "layerstore ls docker://debian:12 /etc")),
          Map.entry(
              "append", List.of("layerstore append --base debian:12 --tag mine:1 build/app:/app")),
          Map.entry("cat", List.of("layerstore cat debian:12 /etc/os-release")),
          Map.entry("tree", List.of("layerstore tree debian:12 /usr/share")),
          Map.entry("cp", List.of("layerstore cp debian:12:/etc .")),
          Map.entry(
              "commit",
              List.of(
                  "layerstore commit work",
                  "layerstore commit --image mine:1 --message first work")),
          Map.entry("rm", List.of("layerstore rm work")),
          Map.entry("rwlayers", List.of("layerstore rwlayers", "layerstore rwlayers -q")),
          Map.entry(
              "register",
              List.of(
                  "layerstore register base.tar",
                  "layerstore register --parent 3f2a9c top.tar.gz")),
          Map.entry("layers", List.of("layerstore layers --tree", "layerstore layers -q")),
          Map.entry(
              "export",
              List.of("layerstore export -o layer.tar 3f2a9c", "layerstore export work | tar -t")),
          Map.entry("release", List.of("layerstore release 3f2a9c")),
          Map.entry(
              "info",
              List.of("layerstore info", "layerstore --root /var/lib/docker --read-only info")),
          Map.entry(
              "inspect", List.of("layerstore inspect mine:1", "layerstore --json inspect work")),
          Map.entry("demo", List.of("layerstore demo", "layerstore demo image.tar")),
          Map.entry("help", List.of("layerstore help", "layerstore help save")));

  private CommandHelp() {}

  /** How the command called {@code name} is used, or the whole if there is none of that name. */
  static List<String> examples(String name) {
    return EXAMPLES.getOrDefault(name, FIRST_STEPS);
  }

  /** The list of commands in groups, for the help of the whole. */
  static String commandList(Help help) {
    StringBuilder text = new StringBuilder();
    for (Group group : GROUPS) {
      text.append(System.lineSeparator()).append(group.title()).append(':');
      text.append(System.lineSeparator()).append(table(help, group));
    }
    return text.toString();
  }

  private static TextTable table(Help help, Group group) {
    int width = help.commandSpec().usageMessage().width();
    int first = 2 + Commands.NAMES.stream().mapToInt(String::length).max().orElse(0);
    TextTable table =
        TextTable.forColumns(
            help.colorScheme(),
            new Column(first, 2, Overflow.SPAN),
            new Column(width - first, 2, Overflow.WRAP));
    for (String name : group.commands()) {
      Help command = help.subcommands().get(name);
      if (command != null) {
        table.addRowValues(name, command.commandSpec().usageMessage().description()[0]);
      }
    }
    return table;
  }
}
