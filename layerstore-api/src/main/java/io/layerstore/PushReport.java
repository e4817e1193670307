package io.layerstore;

import java.util.List;

/**
 * What a push did.
 *
 * @param digest the digest of the manifest or index that the target names now
 * @param target what was pushed to
 * @param uploaded how many layers were uploaded
 * @param mounted how many layers the registry took from another repository of its own
 * @param present how many layers were there already
 * @param notes where the push differs from what was asked, a sentence each
 */
public record PushReport(
    Digest digest,
    ImageReference target,
    int uploaded,
    int mounted,
    int present,
    List<String> notes) {

  /** Copies the list. */
  public PushReport {
    notes = List.copyOf(notes);
  }
}
