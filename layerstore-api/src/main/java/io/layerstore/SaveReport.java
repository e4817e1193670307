package io.layerstore;

import java.util.List;

/**
 * Remarks on images that were saved.
 *
 * @param notes what others will not accept of it, a sentence each: a layer that {@code docker load}
 *     refuses
 */
public record SaveReport(List<String> notes) {

  /** Copies the list. */
  public SaveReport {
    notes = List.copyOf(notes);
  }
}
