package io.layerstore.dist;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Completion for zsh: what bash is offered, and what each thing is for. */
final class ZshCompletion {
  private static final String SCRIPT =
      """
      #compdef layerstore

      _layerstore() {
        local context state state_descr line
        typeset -A opt_args
        local -a commands
        commands=(
      @NAMES@  )

        _arguments -C @PROGRAM@ \\
          '1:command:->command' '*::argument:->argument' && return 0
        case $state in
          command) _describe -t commands command commands ;;
          argument)
            case $line[1] in
      @COMMANDS@      esac
            ;;
        esac
      }

      _layerstore "$@"
      """;

  private ZshCompletion() {}

  static String of(CommandSpec program) {
    StringBuilder names = new StringBuilder();
    StringBuilder commands = new StringBuilder();
    program
        .subcommands()
        .forEach(
            (name, line) -> {
              CommandSpec command = line.getCommandSpec();
              String what = sentence(command.usageMessage().description()[0]);
              names.append("    ").append(quoted(name + ":" + what)).append('\n');
              commands.append("        ").append(name).append(") _arguments ");
              List<String> specs = options(command);
              specs.addAll(parameters(name, command));
              commands.append(String.join(" ", specs)).append(" ;;\n");
            });
    return SCRIPT
        .replace("@NAMES@", names)
        .replace("@PROGRAM@", String.join(" ", options(program)))
        .replace("@COMMANDS@", commands);
  }

  private static List<String> options(CommandSpec command) {
    List<String> specs = new ArrayList<>();
    for (OptionSpec option : command.options()) {
      boolean isRepeated = option.isMultiValue();
      String names = String.join(" ", option.names());
      for (String name : option.names()) {
        String others = isRepeated ? "*" : "(" + names + ")";
        String value = "";
        if (Completing.takesValue(option)) {
          String equals = name.startsWith("--") ? "=" : "";
          value = ":" + escaped(option.paramLabel()) + ":" + action(option);
          specs.add(quoted(others + name + equals + explained(option) + value));
        } else {
          specs.add(quoted(others + name + explained(option)));
        }
      }
    }
    return specs;
  }

  private static List<String> parameters(String name, CommandSpec command) {
    List<String> specs = new ArrayList<>();
    for (PositionalParamSpec parameter : command.positionalParameters()) {
      String where = parameter.isMultiValue() ? "*" : "";
      String action =
          name.equals("help") ? "{_describe -t commands command commands}" : action(parameter);
      specs.add(quoted(where + ":" + escaped(parameter.paramLabel()) + ":" + action));
    }
    return specs;
  }

  private static String action(ArgSpec argument) {
    if (Completing.takesFiles(argument)) {
      return "_files";
    }
    List<String> words = Completing.words(argument);
    return words.isEmpty() ? "" : "(" + String.join(" ", words) + ")";
  }

  private static String explained(OptionSpec option) {
    return "[" + escaped(sentence(option.description()[0])) + "]";
  }

  /** The first sentence, without its full stop. */
  private static String sentence(String text) {
    int end = text.indexOf(". ");
    String first = end < 0 ? text : text.substring(0, end);
    return first.endsWith(".") ? first.substring(0, first.length() - 1) : first;
  }

  private static String escaped(String text) {
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:");
  }

  private static String quoted(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }
}
