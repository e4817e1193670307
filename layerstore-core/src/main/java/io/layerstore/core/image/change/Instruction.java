package io.layerstore.core.image.change;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * One instruction: a name, flags and the rest of its line. Lines that end in a backslash go on in
 * the next one; comments and empty lines are left out. Checked against the Dockerfile parser that
 * moby v20.10.24 uses.
 *
 * @param name its name in lower case
 * @param flags its flags, each {@code --name=value}
 * @param rest what follows, without white space around it
 */
record Instruction(String name, List<String> flags, String rest) {

  /** White space inside a line. */
  static final Pattern SPACE = Pattern.compile("[\\t\\x0b\\f\\r ]+");

  private static final Pattern CONTINUED = Pattern.compile("\\\\[ \\t]*$");

  /** Copies the list. */
  Instruction {
    flags = List.copyOf(flags);
  }

  /** The instructions in {@code changes}, each of which has one or several. */
  static List<Instruction> parse(List<String> changes) {
    List<Instruction> instructions = new ArrayList<>();
    Iterator<String> lines = String.join("\n", changes).lines().iterator();
    while (lines.hasNext()) {
      String line = logicalLine(lines).strip();
      if (!line.isEmpty()) {
        instructions.add(ofLine(line));
      }
    }
    return instructions;
  }

  private static String logicalLine(Iterator<String> lines) {
    StringBuilder whole = new StringBuilder();
    String line = lines.next().stripLeading();
    if (line.startsWith("#")) {
      return "";
    }
    while (CONTINUED.matcher(line).find()) {
      whole.append(CONTINUED.matcher(line).replaceFirst(""));
      line = "";
      // Comments and empty lines do not end what goes on.
      while (lines.hasNext() && (line.isBlank() || line.stripLeading().startsWith("#"))) {
        line = lines.next();
      }
      if (line.isBlank() || line.stripLeading().startsWith("#")) {
        return whole.toString();
      }
    }
    return whole.append(line).toString();
  }

  private static Instruction ofLine(String line) {
    String[] parts = SPACE.split(line, 2);
    String rest = parts.length < 2 ? "" : parts[1].strip();
    List<String> flags = new ArrayList<>();
    while (rest.startsWith("--")) {
      String[] words = SPACE.split(rest, 2);
      rest = words.length < 2 ? "" : words[1].strip();
      if (words[0].equals("--")) {
        break;
      }
      flags.add(words[0]);
    }
    return new Instruction(parts[0].toLowerCase(Locale.ROOT), flags, rest);
  }

  /** Its name as people write it. */
  String title() {
    return name.toUpperCase(Locale.ROOT);
  }
}
