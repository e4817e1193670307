package io.layerstore.overlay2;

import io.layerstore.MaxDepthExceededException;
import io.layerstore.StoreCorruptedException;
import io.layerstore.overlay2.linux.LinkName;
import java.util.ArrayList;
import java.util.List;

/**
 * The layers below a layer, nearest first, by their names in {@code l/}: the content of the file
 * {@code lower}. Immutable.
 *
 * @param links the names; empty for a layer without a parent
 */
record LowerChain(List<String> links) {

  /** As many as Docker allows; the kernel would take 500. */
  static final int MAX_LENGTH = 128;

  /** No layers. */
  static final LowerChain NONE = new LowerChain(List.of());

  private static final String PREFIX = "l/";

  LowerChain {
    links = List.copyOf(links);
  }

  /**
   * Reads {@code l/A:l/B}.
   *
   * @param file where the text is from, for the message
   * @throws StoreCorruptedException if it has another form, or is longer than Docker makes one
   */
  static LowerChain parse(String text, String file) throws StoreCorruptedException {
    List<String> links = new ArrayList<>();
    for (String item : text.strip().split(":", -1)) {
      if (!item.startsWith(PREFIX) || !LinkName.isValid(item.substring(PREFIX.length()))) {
        throw new StoreCorruptedException(file, "not a list of names in l/: \"" + item + "\"");
      }
      links.add(item.substring(PREFIX.length()));
    }
    if (links.size() > MAX_LENGTH) {
      throw new StoreCorruptedException(
          file, links.size() + " layers below, where there can be " + MAX_LENGTH);
    }
    return new LowerChain(links);
  }

  /**
   * The chain of a child of the layer that has this chain and is called {@code link}.
   *
   * @throws MaxDepthExceededException if it would be too long
   */
  LowerChain below(String link) throws MaxDepthExceededException {
    if (links.size() >= MAX_LENGTH) {
      throw new MaxDepthExceededException(MAX_LENGTH);
    }
    List<String> longer = new ArrayList<>(links.size() + 1);
    longer.add(link);
    longer.addAll(links);
    return new LowerChain(longer);
  }

  boolean isEmpty() {
    return links.isEmpty();
  }

  /** {@code l/A:l/B}. */
  @Override
  public String toString() {
    return links.isEmpty() ? "" : PREFIX + String.join(":" + PREFIX, links);
  }
}
