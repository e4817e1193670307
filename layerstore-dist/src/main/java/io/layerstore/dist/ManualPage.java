package io.layerstore.dist;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * Manual pages, in the macros of {@code man(7)}.
 *
 * @param version the program's
 * @param date what the foot of a page says
 */
record ManualPage(String version, String date) {

  /** What {@code man} is asked for: {@code layerstore-load} for the command {@code load}. */
  static String name(CommandSpec command) {
    return command.qualifiedName("-");
  }

  /** The page of a command, or of the program. */
  String of(CommandSpec command) {
    List<String> description = List.of(command.usageMessage().description());
    StringBuilder page = new StringBuilder();
    page.append(".TH ").append(text(name(command).toUpperCase(Locale.ROOT)));
    page.append(" 1 ")
        .append(text(date))
        .append(" \"layerstore ")
        .append(text(version))
        .append("\"\n");
    page.append(".SH NAME\n").append(text(name(command))).append(" \\- ");
    page.append(text(summary(description.get(0)))).append('\n');
    page.append(".SH SYNOPSIS\n.nf\n").append(text(synopsis(command))).append("\n.fi\n");
    page.append(".SH DESCRIPTION\n");
    description.forEach(line -> page.append(text(line)).append('\n'));
    parameters(command, page);
    if (!command.subcommands().isEmpty()) {
      subcommands(command, page);
    }
    page.append(".SH OPTIONS\n");
    command.options().stream()
        .sorted((one, other) -> order(one).compareTo(order(other)))
        .forEach(
            option ->
                entry(
                    page, String.join(", ", option.names()), label(option), option.description()));
    examples(command, page);
    page.append(".SH SEE ALSO\n").append(seeAlso(command)).append('\n');
    return page.toString();
  }

  private static String summary(String sentence) {
    String first = sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
    return first.substring(0, 1).toLowerCase(Locale.ROOT) + first.substring(1);
  }

  private static String synopsis(CommandSpec command) {
    Help help = new Help(command, Help.defaultColorScheme(Ansi.OFF));
    return help.synopsis(0).stripTrailing();
  }

  private static void parameters(CommandSpec command, StringBuilder page) {
    for (PositionalParamSpec parameter : command.positionalParameters()) {
      if (!parameter.hidden()) {
        entry(page, "", parameter.paramLabel(), parameter.description());
      }
    }
  }

  private static void subcommands(CommandSpec program, StringBuilder page) {
    page.append(".SH COMMANDS\n");
    program
        .subcommands()
        .forEach(
            (name, command) ->
                entry(page, name, "", command.getCommandSpec().usageMessage().description()[0]));
  }

  private static String label(OptionSpec option) {
    return option.arity().max() == 0 ? "" : option.paramLabel();
  }

  private static String order(OptionSpec option) {
    return option.longestName().replaceFirst("^-+", "");
  }

  private static void entry(StringBuilder page, String name, String label, String... description) {
    page.append(".TP\n");
    if (!name.isEmpty()) {
      page.append("\\fB").append(text(name)).append("\\fR");
    }
    if (!name.isEmpty() && !label.isEmpty()) {
      page.append(' ');
    }
    if (!label.isEmpty()) {
      page.append("\\fI").append(text(label)).append("\\fR");
    }
    page.append('\n');
    Arrays.stream(description).forEach(line -> page.append(text(line)).append('\n'));
  }

  /** What stands below the options in the help: examples, indented, then sentences. */
  private static void examples(CommandSpec command, StringBuilder page) {
    List<String> sentences = new ArrayList<>();
    page.append(".SH EXAMPLES\n.nf\n");
    for (String line : command.usageMessage().footer()) {
      if (line.startsWith("  ")) {
        page.append(text(line.strip())).append('\n');
      } else if (!line.isBlank() && !line.equals("Examples:")) {
        sentences.add(line);
      }
    }
    page.append(".fi\n.SH NOTES\n").append(text(String.join("\n", sentences))).append('\n');
  }

  private static String seeAlso(CommandSpec command) {
    List<String> others = new ArrayList<>();
    if (command.parent() != null) {
      others.add(reference(command.parent()));
    }
    command.subcommands().values().forEach(sub -> others.add(reference(sub.getCommandSpec())));
    return String.join(",\n", others);
  }

  private static String reference(CommandSpec command) {
    return "\\fB" + text(name(command)) + "\\fR(1)";
  }

  /**
   * Text as roff takes it: nothing in it is a command, a quotation mark or a hyphen to break at.
   */
  static String text(String plain) {
    StringBuilder text = new StringBuilder();
    for (String line : plain.split("\n", -1)) {
      text.append(text.length() == 0 ? "" : "\n");
      text.append(line.startsWith(".") || line.startsWith("'") ? "\\&" : "");
      text.append(
          line.replace("\\", "\\e")
              .replace("-", "\\-")
              .replace("'", "\\(aq")
              .replace("~", "\\(ti")
              .replace("^", "\\(ha")
              .replace("`", "\\(ga"));
    }
    return text.toString();
  }
}
