package io.layerstore.core.image.change;

import java.util.ArrayList;
import java.util.List;

/**
 * Takes quotes and backslashes out of a word, and puts the values of variables in, as the
 * Dockerfile of moby v20.10.24 does: {@code $NAME}, {@code ${NAME}}, {@code ${NAME:-else}}, {@code
 * ${NAME:+then}}.
 */
final class Expansion {

  private static final String SPECIAL = "@*#?-$!0";

  private final String text;
  private final List<String> env;
  private int position;

  /** The words, if what is outside quotes were split at white space. */
  private final List<String> words = new ArrayList<>();

  private final StringBuilder word = new StringBuilder();
  private boolean isWord;

  private Expansion(String text, List<String> env) {
    this.text = text;
    this.env = env;
  }

  /**
   * The text of a word.
   *
   * @param env the variables, each {@code NAME=value}
   * @throws IllegalArgumentException if quotes or braces do not match
   */
  static String word(String text, List<String> env) {
    return new Expansion(text, env).until(0);
  }

  /** The text of a word that may become several, or none. */
  static List<String> words(String text, List<String> env) {
    Expansion expansion = new Expansion(text, env);
    expansion.until(0);
    expansion.endWord();
    return expansion.words;
  }

  /** Expands as far as {@code stop}, which is passed, or to the end if that is 0. */
  private String until(int stop) {
    StringBuilder result = new StringBuilder();
    while (position < text.length()) {
      char c = text.charAt(position);
      if (stop != 0 && c == stop) {
        position++;
        return result.toString();
      }
      String piece;
      switch (c) {
        case '\'' -> piece = raw(singleQuoted());
        case '"' -> piece = raw(doubleQuoted());
        case '$' -> piece = split(dollar());
        case '\\' -> {
          position++;
          piece = position < text.length() ? raw(next()) : "";
        }
        default -> piece = split(next());
      }
      result.append(piece);
    }
    if (stop != 0) {
      throw new IllegalArgumentException("a closing " + (char) stop + " is missing");
    }
    return result.toString();
  }

  private String next() {
    return text.substring(position, ++position);
  }

  private String raw(String piece) {
    word.append(piece);
    isWord = true;
    return piece;
  }

  private String split(String piece) {
    for (int i = 0; i < piece.length(); i++) {
      char c = piece.charAt(i);
      if (Character.isWhitespace(c)) {
        endWord();
      } else {
        word.append(c);
        isWord = true;
      }
    }
    return piece;
  }

  private void endWord() {
    if (isWord) {
      words.add(word.toString());
    }
    word.setLength(0);
    isWord = false;
  }

  private String singleQuoted() {
    int end = text.indexOf('\'', position + 1);
    if (end < 0) {
      throw new IllegalArgumentException("a closing single quote is missing");
    }
    String quoted = text.substring(position + 1, end);
    position = end + 1;
    return quoted;
  }

  private String doubleQuoted() {
    StringBuilder result = new StringBuilder();
    position++;
    while (position < text.length()) {
      char c = text.charAt(position);
      if (c == '"') {
        position++;
        return result.toString();
      }
      if (c == '$') {
        result.append(dollar());
        continue;
      }
      position++;
      if (c == '\\') {
        if (position == text.length()) {
          break;
        }
        char escaped = text.charAt(position);
        if (escaped == '"' || escaped == '$' || escaped == '\\') {
          c = escaped;
          position++;
        }
      }
      result.append(c);
    }
    throw new IllegalArgumentException("a closing double quote is missing");
  }

  private String dollar() {
    position++;
    if (position == text.length() || text.charAt(position) != '{') {
      String name = name();
      return name.isEmpty() ? "$" : value(name);
    }
    position++;
    if (position == text.length()) {
      throw new IllegalArgumentException("a closing } is missing");
    }
    if ("{}:".indexOf(text.charAt(position)) >= 0) {
      throw new IllegalArgumentException("${ is not followed by the name of a variable");
    }
    String name = name();
    if (position == text.length()) {
      throw new IllegalArgumentException("a closing } is missing");
    }
    char after = text.charAt(position++);
    if (after == '}') {
      return value(name);
    }
    if (after != ':' || position == text.length()) {
      throw new IllegalArgumentException("the : is missing after ${" + name);
    }
    char modifier = text.charAt(position++);
    String other = nested();
    String value = value(name);
    return switch (modifier) {
      case '+' -> value.isEmpty() ? "" : other;
      case '-' -> value.isEmpty() ? other : value;
      default ->
          throw new IllegalArgumentException(
              "${" + name + ":" + modifier + " is not supported; use :- or :+");
    };
  }

  /** What stands before the closing brace; it is no part of the words yet. */
  private String nested() {
    Expansion inner = new Expansion(text, env);
    inner.position = position;
    String result = inner.until('}');
    position = inner.position;
    return result;
  }

  private String name() {
    int start = position;
    while (position < text.length()) {
      char c = text.charAt(position);
      if (position == start && Character.isDigit(c)) {
        while (position < text.length() && Character.isDigit(text.charAt(position))) {
          position++;
        }
        break;
      }
      if (position == start && SPECIAL.indexOf(c) >= 0) {
        position++;
        break;
      }
      if (!Character.isLetterOrDigit(c) && c != '_') {
        break;
      }
      position++;
    }
    return text.substring(start, position);
  }

  private String value(String name) {
    for (String variable : env) {
      int equals = variable.indexOf('=');
      if ((equals < 0 ? variable : variable.substring(0, equals)).equals(name)) {
        return equals < 0 ? "" : variable.substring(equals + 1);
      }
    }
    return "";
  }
}
