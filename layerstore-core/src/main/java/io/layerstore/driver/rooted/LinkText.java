package io.layerstore.driver.rooted;

import io.layerstore.ByteString;
import java.util.ArrayList;
import java.util.List;

/** Takes the text of symbolic links apart. */
public final class LinkText {

  private LinkText() {}

  /** The names in {@code text}, {@code ..} included, without empty ones and {@code .}. */
  public static List<ByteString> names(ByteString text) {
    List<ByteString> names = new ArrayList<>();
    int start = 0;
    while (start < text.length()) {
      int slash = text.indexOf((byte) '/', start);
      int stop = slash < 0 ? text.length() : slash;
      if (stop > start && !(stop == start + 1 && text.at(start) == '.')) {
        names.add(text.substring(start, stop));
      }
      start = stop + 1;
    }
    return names;
  }
}
