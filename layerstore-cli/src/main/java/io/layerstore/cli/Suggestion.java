package io.layerstore.cli;

import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * What may have been meant by a word that means nothing. Never something that deletes: who takes a
 * suggestion without reading it must not lose anything.
 */
final class Suggestion {
  private static final Set<String> DELETING =
      Set.of("release", "rm", "rmi", "prune", "--force", "--all", "--layers");

  private Suggestion() {}

  /** What could not be understood, and what may have been meant. */
  static String describe(UnmatchedArgumentException e) {
    String word = e.getUnmatched().isEmpty() ? "" : e.getUnmatched().get(0);
    if (!word.startsWith("-")) {
      return e.getCommandLine().getParent() == null ? noCommand(word) : message(e);
    }
    return message(e)
        + e.getSuggestions().stream()
            .filter(option -> option.startsWith("-") && !DELETING.contains(option))
            .findFirst()
            .map(Suggestion::question)
            .orElse("");
  }

  private static String message(UnmatchedArgumentException e) {
    return String.valueOf(e.getMessage());
  }

  /** That {@code word} is not the name of a command, and which one may have been meant. */
  static String noCommand(String word) {
    return "no command: " + word + command(word).map(Suggestion::question).orElse("");
  }

  private static String question(String meant) {
    return "; did you mean '" + meant + "'?";
  }

  /** The command most like {@code word}; none if that deletes something, or nothing is like it. */
  private static Optional<String> command(String word) {
    Optional<String> nearest = Optional.empty();
    int least = Math.max(1, word.length() / 3) + 1;
    for (String name : Commands.NAMES) {
      int edits = edits(word, name);
      boolean isBetter = edits == least && nearest.filter(DELETING::contains).isPresent();
      if (edits < least || isBetter) {
        nearest = Optional.of(name);
        least = edits;
      }
    }
    return nearest.filter(name -> !DELETING.contains(name));
  }

  /** How many letters to insert, take out, replace or exchange with the next to get the other. */
  private static int edits(String from, String to) {
    int[][] least = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      for (int j = 0; j <= to.length(); j++) {
        if (i == 0 || j == 0) {
          least[i][j] = i + j;
          continue;
        }
        boolean isSame = from.charAt(i - 1) == to.charAt(j - 1);
        int replaced = least[i - 1][j - 1] + (isSame ? 0 : 1);
        int moved = Math.min(least[i - 1][j], least[i][j - 1]) + 1;
        least[i][j] = Math.min(replaced, moved);
        if (i > 1
            && j > 1
            && from.charAt(i - 1) == to.charAt(j - 2)
            && from.charAt(i - 2) == to.charAt(j - 1)) {
          least[i][j] = Math.min(least[i][j], least[i - 2][j - 2] + 1);
        }
      }
    }
    return least[from.length()][to.length()];
  }
}
