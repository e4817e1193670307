package io.layerstore.cli;

import io.layerstore.Progress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * A line for each layer of an operation that says how far it has come, all written again in place.
 * Not for use by several threads.
 */
final class LayerLines {

  private static final int LABEL = 12;
  private static final int MAX_BAR = 40;
  private static final int MIN_BAR = 5;
  private static final String UP = "\u001b[%dA";
  private static final String CLEAR_LINE = "\r\u001b[K";

  private final TerminalSize size;
  private final Map<String, Layer> layers = new LinkedHashMap<>();

  /** How many lines are on the screen, above the cursor. */
  private int drawn;

  /** How far one layer has come, in one of the steps that follow each other. */
  private record Layer(Step step, long bytes, OptionalLong total) {

    boolean isComplete() {
      return total.isPresent() && bytes >= total.getAsLong();
    }

    String text() {
      return switch (step) {
        case FETCHING -> bytes == 0 ? "waiting" : isComplete() ? "fetched" : "fetching";
        case UNPACKING -> isComplete() ? "unpacked" : "unpacking";
        case SENDING -> isComplete() ? "sent" : "sending";
        case DONE -> "done";
      };
    }

    boolean isUnderWay() {
      return step != Step.DONE && bytes > 0 && !isComplete();
    }
  }

  /** What is done with a layer, in this order. */
  enum Step {
    FETCHING,
    UNPACKING,
    SENDING,
    DONE
  }

  LayerLines(TerminalSize size) {
    this.size = size;
  }

  /** Takes note of what a store has told of one layer; true if it has. */
  boolean note(Progress progress) {
    if (progress.layer().isEmpty() || progress.layer().get().diffId().isEmpty()) {
      return false;
    }
    Step step =
        switch (progress.phase()) {
          case WAITING, FETCHING -> Step.FETCHING;
          case UNPACKING, SYNCING, COMMITTING -> Step.UNPACKING;
          case COMPRESSING, WRITING -> Step.SENDING;
          case DONE -> Step.DONE;
        };
    Progress.LayerProgress layer = progress.layer().get();
    note(layer.diffId().get().digest().hex(), step, layer.bytes(), layer.totalBytes());
    return true;
  }

  /** Takes note of how far one layer has come. */
  void note(String id, Step step, long bytes, OptionalLong total) {
    Layer next = new Layer(step, bytes, total);
    layers.merge(
        id.substring(0, Math.min(LABEL, id.length())),
        next,
        (known, ignored) ->
            // It is unpacked while it still comes; what is slower is shown.
            (step == Step.UNPACKING && known.step() == Step.FETCHING && !known.isComplete())
                    || step.compareTo(known.step()) < 0
                ? known
                : next);
  }

  /** Takes note that all is done. */
  void noteDone() {
    layers.replaceAll((id, layer) -> new Layer(Step.DONE, layer.bytes(), layer.total()));
  }

  boolean isEmpty() {
    return layers.isEmpty();
  }

  /** What to write so that the screen shows it; the cursor is below the lines before and after. */
  String draw() {
    StringBuilder text = new StringBuilder(CLEAR_LINE);
    if (drawn > 0) {
      text.append(UP.formatted(drawn));
    }
    List<String> lines = lines(size.columns() - 1, size.rows() - 2);
    lines.forEach(line -> text.append(CLEAR_LINE).append(line).append('\n'));
    drawn = Math.max(drawn, lines.size());
    return text.toString();
  }

  /** As many lines as there is room for; those under way rather than others. */
  private List<String> lines(int columns, int rows) {
    List<String> shown = new ArrayList<>();
    int left = layers.size();
    int room = Math.max(1, rows);
    int underWay = (int) layers.values().stream().filter(Layer::isUnderWay).count();
    int others = layers.size() <= room ? layers.size() : Math.max(0, room - 1 - underWay);
    for (Map.Entry<String, Layer> layer : layers.entrySet()) {
      boolean isShown = layer.getValue().isUnderWay() || others-- > 0;
      if (isShown && (layers.size() <= room || shown.size() < room - 1)) {
        shown.add(line(layer.getKey(), layer.getValue(), columns));
        left--;
      }
    }
    if (left > 0) {
      shown.add(cut("and " + left + " more", columns));
    }
    return shown;
  }

  private static String line(String id, Layer layer, int columns) {
    String text = id + ": " + layer.text();
    if (!layer.isUnderWay()) {
      return cut(text, columns);
    }
    if (layer.total().isEmpty()) {
      return cut(text + " " + Show.size(layer.bytes()), columns);
    }
    long total = layer.total().getAsLong();
    String count = " " + Show.size(layer.bytes()) + "/" + Show.size(total);
    int width = Math.min(MAX_BAR, columns - text.length() - count.length() - 3);
    if (width < MIN_BAR) {
      return cut(text + count, columns);
    }
    int full = (int) Math.min(width, width * layer.bytes() / total);
    return text + " [" + "#".repeat(full) + ".".repeat(width - full) + "]" + count;
  }

  private static String cut(String text, int columns) {
    return text.substring(0, Math.max(0, Math.min(columns, text.length())));
  }
}
