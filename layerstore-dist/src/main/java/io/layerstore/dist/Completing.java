package io.layerstore.dist;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** What a shell can offer for an argument, as its label tells. */
final class Completing {
  private static final Pattern FILE = Pattern.compile("\\b(FILE|DIR|ARCHIVE)\\b");

  private Completing() {}

  static boolean takesFiles(ArgSpec argument) {
    return FILE.matcher(argument.paramLabel()).find();
  }

  /** The words of a label such as {@code gzip|zstd}; none if it stands for something. */
  static List<String> words(ArgSpec argument) {
    String label = argument.paramLabel();
    return label.equals(label.toLowerCase(Locale.ROOT)) ? List.of(label.split("\\|")) : List.of();
  }

  static boolean takesValue(OptionSpec option) {
    return option.arity().max() > 0;
  }

  /** The options as they are typed, those with a value, or those without. */
  static List<String> names(CommandSpec command, boolean withValue) {
    List<String> names = new ArrayList<>();
    for (OptionSpec option : command.options()) {
      if (takesValue(option) == withValue) {
        names.addAll(List.of(option.names()));
      }
    }
    names.sort(null);
    return names;
  }
}
