package io.layerstore.registry;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How a registry wants to be shown credentials.
 *
 * @param scheme {@code basic} or {@code bearer}, or one that is not known
 * @param parameters names in lower case
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1">RFC 9110, section 11.6.1</a>
 */
record Challenge(String scheme, Map<String, String> parameters) {

  static final String BASIC = "basic";
  static final String BEARER = "bearer";

  /** The challenges of all headers, in their order. */
  static List<Challenge> parse(List<String> headers) {
    List<Challenge> challenges = new ArrayList<>();
    for (String header : headers) {
      new Parser(header, challenges).parse();
    }
    return challenges;
  }

  /** A parameter; empty if there is none. */
  String parameter(String name) {
    return parameters.getOrDefault(name, "");
  }

  /** Reads one header, which may have several challenges, separated as their parameters are. */
  private static final class Parser {
    private final String text;
    private final List<Challenge> challenges;
    private int at;

    Parser(String text, List<Challenge> challenges) {
      this.text = text;
      this.challenges = challenges;
    }

    void parse() {
      Map<String, String> parameters = new LinkedHashMap<>();
      while (at < text.length()) {
        skip(", \t");
        String word = token();
        if (word.isEmpty()) {
          return; // not of the form; what was understood counts
        }
        skip(" \t");
        if (at < text.length() && text.charAt(at) == '=') {
          at++;
          skip(" \t");
          parameters.putIfAbsent(word.toLowerCase(Locale.ROOT), value());
        } else {
          parameters = new LinkedHashMap<>();
          challenges.add(new Challenge(word.toLowerCase(Locale.ROOT), parameters));
        }
      }
    }

    private void skip(String characters) {
      while (at < text.length() && characters.indexOf(text.charAt(at)) >= 0) {
        at++;
      }
    }

    private String token() {
      int start = at;
      while (at < text.length() && "=, \t\"".indexOf(text.charAt(at)) < 0) {
        at++;
      }
      return text.substring(start, at);
    }

    private String value() {
      if (at >= text.length() || text.charAt(at) != '"') {
        return token();
      }
      StringBuilder value = new StringBuilder();
      for (at++; at < text.length() && text.charAt(at) != '"'; at++) {
        if (text.charAt(at) == '\\' && at + 1 < text.length()) {
          at++;
        }
        value.append(text.charAt(at));
      }
      at++;
      return value.toString();
    }
  }
}
