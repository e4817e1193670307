package io.layerstore;

import java.util.List;

/**
 * What is to be said of images that were saved.
 *
 * @param notes what others will not take of it, a sentence each: a layer that {@code docker load}
 *     refuses
 */
public record SaveReport(List<String> notes) {

  /** Copies the list. */
  public SaveReport {
    notes = List.copyOf(notes);
  }
}
