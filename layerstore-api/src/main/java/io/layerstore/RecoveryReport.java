package io.layerstore;

import java.util.List;

/**
 * What a store found when it opened its root, and what it did about it.
 *
 * <p>Opening never fails for one bad layer: what could not be trusted is listed here and left as it
 * was.
 *
 * @param findings the findings, in the order they were made
 */
public record RecoveryReport(List<Finding> findings) {

  /** The kinds of findings. */
  public enum Kind {
    /**
     * A layer that cannot be used. If its metadata cannot be trusted, or that of one below, it is
     * left alone and not listed; whatever it stands on is kept. If only its files or its tar-split
     * are gone, it is listed. Registering the content again heals it, and brings back what stands
     * on it at once. The id is a path where something else is in the place of a directory of many.
     */
    DAMAGED_LAYER,
    /**
     * A read-write layer that cannot be used. If its metadata cannot be trusted, or that of a layer
     * below, it is left alone and not listed; whatever it stands on is kept, as far as its metadata
     * or the graph driver tells. If only its files are gone, or those it stands on, it is listed.
     */
    DAMAGED_RW_LAYER,
    /**
     * An image that cannot be used: its configuration is damaged or gone, or its layers are
     * missing. Left alone and not listed; loading it again heals it. Or what is noted about it is
     * damaged; then it is listed.
     */
    DAMAGED_IMAGE,
    /**
     * The names of images cannot be read, or could not and were kept aside. Left alone; images are
     * there without the names, and are not pruned for having none.
     */
    DAMAGED_NAMES,
    /** A transaction that was never committed. Removed, with the driver's directory it names. */
    UNFINISHED_REGISTER,
    /**
     * A read-write layer whose creation or deletion was never finished. Removed, with the driver's
     * directories it names.
     */
    UNFINISHED_RW_LAYER,
    /** A deletion that was begun. Finished. */
    UNFINISHED_DELETION,
    /**
     * Something that recovery could not finish, such as a busy directory. Tried again at the next
     * {@link LayerStore#cleanup} and the next open.
     */
    POSTPONED,
    /** A repair the graph driver made, such as a link it wrote again. */
    DRIVER_REPAIR
  }

  /**
   * One finding.
   *
   * @param kind what it is
   * @param id the chain ID, name or driver id it is about, as text
   * @param detail what was wrong and what was done, in a sentence
   */
  public record Finding(Kind kind, String id, String detail) {}

  /** Nothing found. */
  public static final RecoveryReport CLEAN = new RecoveryReport(List.of());

  /** Copies the list. */
  public RecoveryReport {
    findings = List.copyOf(findings);
  }

  /** Whether nothing was found. */
  public boolean isClean() {
    return findings.isEmpty();
  }

  /** The findings of one kind. */
  public List<Finding> of(Kind kind) {
    return findings.stream().filter(finding -> finding.kind() == kind).toList();
  }
}
