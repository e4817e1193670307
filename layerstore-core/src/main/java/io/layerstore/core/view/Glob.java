package io.layerstore.core.view;

import java.util.regex.PatternSyntaxException;

/** Glob patterns as {@link java.nio.file.FileSystem#getPathMatcher} describes them. */
final class Glob {

  private static final String REGEX_META = ".^$+{[]|()\\*?";

  private final String pattern;
  private final StringBuilder regex = new StringBuilder();
  private int next;

  private Glob(String pattern) {
    this.pattern = pattern;
  }

  /** The regular expression that matches the same. */
  static String toRegex(String pattern) {
    Glob glob = new Glob(pattern);
    glob.convert();
    return glob.regex.toString();
  }

  private void convert() {
    boolean isInGroup = false;
    while (next < pattern.length()) {
      char c = pattern.charAt(next++);
      switch (c) {
        case '\\' -> literal(afterBackslash());
        case '*' -> stars();
        case '?' -> regex.append("[^/]");
        case '[' -> bracket();
        case '{' -> {
          if (isInGroup) {
            throw invalid("a group in a group");
          }
          isInGroup = true;
          regex.append("(?:(?:");
        }
        case '}' -> {
          regex.append(isInGroup ? "))" : "\\}");
          isInGroup = false;
        }
        case ',' -> regex.append(isInGroup ? ")|(?:" : ",");
        default -> literal(c);
      }
    }
    if (isInGroup) {
      throw invalid("a group without its end");
    }
  }

  private char afterBackslash() {
    if (next == pattern.length()) {
      throw invalid("nothing after the backslash");
    }
    return pattern.charAt(next++);
  }

  private void literal(char c) {
    if (REGEX_META.indexOf(c) >= 0) {
      regex.append('\\');
    }
    regex.append(c);
  }

  private void stars() {
    if (next < pattern.length() && pattern.charAt(next) == '*') {
      next++;
      regex.append(".*");
    } else {
      regex.append("[^/]*");
    }
  }

  private void bracket() {
    regex.append("(?:(?!/)[");
    if (next < pattern.length() && pattern.charAt(next) == '!') {
      next++;
      regex.append('^');
    }
    boolean isFirst = true;
    char last = 0;
    while (true) {
      if (next == pattern.length()) {
        throw invalid("a bracket without its end");
      }
      char c = pattern.charAt(next++);
      if (c == ']' && !isFirst) {
        break;
      }
      boolean isRange =
          c == '-' && !isFirst && next < pattern.length() && pattern.charAt(next) != ']';
      if (isRange) {
        char to = pattern.charAt(next++);
        if (to < last) {
          throw invalid("a range that ends before it begins");
        }
        regex.append('-');
        literalInBracket(to);
      } else {
        if (c == '/') {
          throw invalid("a slash in a bracket");
        }
        literalInBracket(c);
        last = c;
      }
      isFirst = false;
    }
    regex.append("])");
  }

  private void literalInBracket(char c) {
    if (c == '[' || c == ']' || c == '\\' || c == '^' || c == '-' || c == '&') {
      regex.append('\\');
    }
    regex.append(c);
  }

  private PatternSyntaxException invalid(String problem) {
    return new PatternSyntaxException(problem, pattern, Math.max(next - 1, 0));
  }
}
