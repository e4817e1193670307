package io.layerstore.registry;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads TOML as far as configuration files of containers have it: tables, arrays of tables, strings
 * of one line, numbers, truth values, arrays, inline tables, comments. Numbers and truth values are
 * strings of their text.
 *
 * @see <a href="https://toml.io/en/v1.0.0">TOML 1.0</a>
 */
final class Toml {

  private static final int MAX_DEPTH = 32;

  private final String text;
  private int at;

  private Toml(String text) {
    this.text = text;
  }

  /**
   * Reads a document.
   *
   * @throws IllegalArgumentException if it is not of that form; the message has the line
   */
  static Json parse(String text) {
    return Json.of(new Toml(text).document());
  }

  private Map<String, Object> document() {
    Map<String, Object> root = new LinkedHashMap<>();
    Map<String, Object> table = root;
    for (skipLines(); at < text.length(); skipLines()) {
      if (text.startsWith("[[", at)) {
        at += 2;
        table = newElement(root, header("]]"));
      } else if (text.charAt(at) == '[') {
        at++;
        table = table(root, header("]"));
      } else {
        assign(table, 0);
      }
      skipBlanks();
      if (at < text.length() && "\r\n#".indexOf(text.charAt(at)) < 0) {
        throw error("something follows a value");
      }
    }
    return root;
  }

  private List<String> header(String end) {
    List<String> keys = keys();
    if (!text.startsWith(end, at)) {
      throw error("a table's name does not end");
    }
    at += end.length();
    return keys;
  }

  private void assign(Map<String, Object> table, int depth) {
    List<String> keys = keys();
    if (at >= text.length() || text.charAt(at) != '=') {
      throw error("a key without a value");
    }
    at++;
    skipBlanks();
    Map<String, Object> target = table(table, keys.subList(0, keys.size() - 1));
    target.put(keys.get(keys.size() - 1), value(depth));
  }

  private List<String> keys() {
    List<String> keys = new ArrayList<>();
    do {
      if (!keys.isEmpty()) {
        at++;
      }
      skipBlanks();
      char first = at < text.length() ? text.charAt(at) : ' ';
      keys.add(first == '"' || first == '\'' ? string() : bare());
      skipBlanks();
    } while (at < text.length() && text.charAt(at) == '.');
    return keys;
  }

  private String bare() {
    int start = at;
    while (at < text.length()
        && (Character.isLetterOrDigit(text.charAt(at)) || "_-+:".indexOf(text.charAt(at)) >= 0)) {
      at++;
    }
    if (at == start) {
      throw error("a name or a value is missing");
    }
    return text.substring(start, at);
  }

  @SuppressWarnings("unchecked") // All maps and lists are made here.
  private Map<String, Object> table(Map<String, Object> root, List<String> keys) {
    Map<String, Object> table = root;
    for (String key : keys) {
      Object next = table.computeIfAbsent(key, name -> new LinkedHashMap<String, Object>());
      if (next instanceof List<?> list && !list.isEmpty()) {
        next = list.get(list.size() - 1);
      }
      if (!(next instanceof Map<?, ?>)) {
        throw error(key + " is a value and a table");
      }
      table = (Map<String, Object>) next;
    }
    return table;
  }

  @SuppressWarnings("unchecked") // All maps and lists are made here.
  private Map<String, Object> newElement(Map<String, Object> root, List<String> keys) {
    Map<String, Object> parent = table(root, keys.subList(0, keys.size() - 1));
    Object list = parent.computeIfAbsent(keys.get(keys.size() - 1), key -> new ArrayList<Object>());
    if (!(list instanceof List<?>)) {
      throw error("a table and an array of tables have one name");
    }
    Map<String, Object> element = new LinkedHashMap<>();
    ((List<Object>) list).add(element);
    return element;
  }

  private Object value(int depth) {
    if (depth > MAX_DEPTH) {
      throw error("nested too deep");
    }
    char first = at < text.length() ? text.charAt(at) : ' ';
    if (first == '"' || first == '\'') {
      return string();
    }
    if (first == '[') {
      return array(depth);
    }
    if (first == '{') {
      return inlineTable(depth);
    }
    return bare();
  }

  private List<Object> array(int depth) {
    List<Object> elements = new ArrayList<>();
    at++;
    for (skipLines(); at < text.length() && text.charAt(at) != ']'; skipLines()) {
      elements.add(value(depth + 1));
      skipLines();
      if (at < text.length() && text.charAt(at) == ',') {
        at++;
      } else if (at >= text.length() || text.charAt(at) != ']') {
        throw error("an array does not end");
      }
    }
    if (at >= text.length()) {
      throw error("an array does not end");
    }
    at++;
    return elements;
  }

  private Map<String, Object> inlineTable(int depth) {
    Map<String, Object> table = new LinkedHashMap<>();
    at++;
    for (skipBlanks(); at < text.length() && text.charAt(at) != '}'; skipBlanks()) {
      assign(table, depth + 1);
      skipBlanks();
      if (at < text.length() && text.charAt(at) == ',') {
        at++;
      }
    }
    if (at >= text.length()) {
      throw error("a table does not end");
    }
    at++;
    return table;
  }

  private String string() {
    char quote = text.charAt(at);
    if (text.startsWith(String.valueOf(quote).repeat(3), at)) {
      throw error("a string of several lines, which is not supported here");
    }
    StringBuilder string = new StringBuilder();
    for (at++; at < text.length() && text.charAt(at) != quote; at++) {
      char character = text.charAt(at);
      if (character == '\n') {
        break;
      }
      if (character == '\\' && quote == '"') {
        at++;
        string.append(escaped());
      } else {
        string.append(character);
      }
    }
    if (at >= text.length() || text.charAt(at) != quote) {
      throw error("a string does not end");
    }
    at++;
    return string.toString();
  }

  private char escaped() {
    char character = at < text.length() ? text.charAt(at) : ' ';
    return switch (character) {
      case 'n' -> '\n';
      case 't' -> '\t';
      case 'r' -> '\r';
      case '"', '\\' -> character;
      default -> throw error("an escape that is not supported here");
    };
  }

  private void skipBlanks() {
    while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
      at++;
    }
  }

  /** Skips blanks, ends of lines and comments. */
  private void skipLines() {
    while (at < text.length()) {
      char character = text.charAt(at);
      if (character == '#') {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end;
      } else if (Character.isWhitespace(character)) {
        at++;
      } else {
        return;
      }
    }
  }

  private IllegalArgumentException error(String problem) {
    long line =
        1 + text.substring(0, Math.min(at, text.length())).chars().filter(c -> c == '\n').count();
    return new IllegalArgumentException("line " + line + ": " + problem);
  }
}
