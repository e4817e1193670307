package io.layerstore.core.image.change;

import java.util.ArrayList;
import java.util.List;

/**
 * Splits the rest of a line into words, at white space outside quotes. Quotes stay in the words.
 */
final class Words {

  private final String text;
  private final List<String> words = new ArrayList<>();
  private final StringBuilder word = new StringBuilder();
  private boolean wasQuoted;

  private Words(String text) {
    this.text = text;
  }

  static List<String> split(String text) {
    return new Words(text).split();
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
