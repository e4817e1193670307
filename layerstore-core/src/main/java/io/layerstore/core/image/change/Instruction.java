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

  /** The words of {@code text}, split at white space outside quotes. Quotes stay in the words. */
  static List<String> words(String text) {
    return new Words(text).split();
  }

  private static final class Words {

    private final String text;
    private final List<String> words = new ArrayList<>();
    private final StringBuilder word = new StringBuilder();
    private boolean wasQuoted;

    private Words(String text) {
      this.text = text;
    }

    private List<String> split() {
      char quote = 0;
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        if (quote == 0 && Character.isWhitespace(c)) {
          end();
          continue;
        }
        if (c == '\\' && quote != '\'') {
          // What is escaped is neither a quote nor the end of a word.
          i++;
          if (i < text.length()) {
            word.append(c).append(text.charAt(i));
          }
          continue;
        }
        if (quote == 0 && (c == '"' || c == '\'')) {
          quote = c;
          wasQuoted = true;
        } else if (c == quote) {
          quote = 0;
        }
        word.append(c);
      }
      end();
      return words;
    }

    private void end() {
      if (word.length() > 0 || wasQuoted) {
        words.add(word.toString());
      }
      word.setLength(0);
      wasQuoted = false;
    }
  }
}
