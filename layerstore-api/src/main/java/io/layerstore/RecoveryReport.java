package io.layerstore;

import java.util.List;

/**
 * What was wrong in a root when it was opened or cleaned up, and what was done about it.
 *
 * <p>Opening never fails because of one bad layer: what cannot be trusted is listed here and left
 * as it was.
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
     * on it at once. The id is a path if something else is in the place of a whole directory.
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
     * missing. Left alone and not listed; loading it again heals it. If only what is recorded about
     * it is damaged, it is listed.
     */
    DAMAGED_IMAGE,
    /**
     * The names of images cannot be read, or could not and were moved aside. The images are there
     * without their names, and are not pruned for that.
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
    /** A repair made by the graph driver, such as a rewritten link. */
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
