package io.layerstore.dist;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Completion for bash: commands, options, the values that an option may have, and files. */
final class BashCompletion {
  private static final String SCRIPT =
      """
      # bash completion for layerstore

      _layerstore() {
        local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
        local command='' i options takes_files=''
        COMPREPLY=()

        # The shell makes three words of --option=value.
        if [[ $current == = ]]; then
          current=''
        elif [[ $previous == = ]]; then
          previous=${COMP_WORDS[COMP_CWORD - 2]}
        fi

        for ((i = 1; i < COMP_CWORD; i++)); do
          case ${COMP_WORDS[i]} in
            --)
              # A program and its arguments.
              if declare -F _command_offset >/dev/null; then
                _command_offset $((i + 1))
              else
                compopt -o default
              fi
              return
              ;;
            @WITH_VALUE@) if [[ ${COMP_WORDS[i + 1]} == = ]]; then ((i += 2)); else ((i += 1)); fi ;;
            -*) ;;
            *) [[ $command ]] || command=${COMP_WORDS[i]} ;;
          esac
        done

        case $command/$previous in
      @VALUES@  esac

        case $command in
      @COMMANDS@  esac

        if [[ $current == -* ]]; then
          COMPREPLY=($(compgen -W "$options" -- "$current"))
        elif [[ ! $command ]]; then
          COMPREPLY=($(compgen -W '@NAMES@' -- "$current"))
        elif [[ $takes_files ]]; then
          compopt -o filenames
          mapfile -t COMPREPLY < <(compgen -f -- "$current")
        fi
      }

      complete -F _layerstore layerstore
      """;

  private BashCompletion() {}

  static String of(CommandSpec program) {
    String names = String.join(" ", program.subcommands().keySet());
    Map<String, String> values = new TreeMap<>();
    StringBuilder commands = new StringBuilder();
    values(program, "*", values);
    commands.append(command(program, "''", ""));
    program
        .subcommands()
        .forEach(
            (name, line) -> {
              CommandSpec command = line.getCommandSpec();
              values(command, name, values);
              boolean takesFiles =
                  command.positionalParameters().stream().anyMatch(Completing::takesFiles);
              commands.append(command(command, name, takesFiles ? "yes" : ""));
            });
    StringBuilder cases = new StringBuilder();
    values.forEach(
        (pattern, what) -> cases.append("    ").append(pattern).append(") ").append(what));
    cases.append("    help/help) COMPREPLY=($(compgen -W '").append(names);
    cases.append("' -- \"$current\")); return ;;\n");
    return SCRIPT
        .replace("@WITH_VALUE@", String.join(" | ", allWithValue(program)))
        .replace("@VALUES@", cases)
        .replace("@COMMANDS@", commands)
        .replace("@NAMES@", names);
  }

  private static String command(CommandSpec command, String pattern, String takesFiles) {
    List<String> options = new ArrayList<>(Completing.names(command, false));
    options.addAll(Completing.names(command, true));
    return "    %s) options='%s' takes_files=%s ;;\n"
        .formatted(pattern, String.join(" ", options), takesFiles);
  }

  /** For each option with a value, what to offer for it. */
  private static void values(CommandSpec command, String name, Map<String, String> values) {
    for (OptionSpec option : command.options()) {
      if (!Completing.takesValue(option) || (!name.equals("*") && option.inherited())) {
        continue;
      }
      String what = "";
      if (Completing.takesFiles(option)) {
        what = "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); ";
      } else if (!Completing.words(option).isEmpty()) {
        what =
            "COMPREPLY=($(compgen -W '%s' -- \"$current\")); "
                .formatted(String.join(" ", Completing.words(option)));
      }
      for (String typed : option.names()) {
        values.put(name + "/" + typed, what + "return ;;\n");
      }
    }
  }

  private static List<String> allWithValue(CommandSpec program) {
    List<String> names = new ArrayList<>(Completing.names(program, true));
    program
        .subcommands()
        .values()
        .forEach(line -> names.addAll(Completing.names(line.getCommandSpec(), true)));
    return names.stream().distinct().sorted().toList();
  }
}
