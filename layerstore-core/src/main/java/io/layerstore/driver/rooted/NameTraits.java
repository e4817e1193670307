package io.layerstore.driver.rooted;

/**
 * Which names a file system holds as they are.
 *
 * <p>Where it does not hold all, names are escaped as {@link NameEscapes} says. That has to stay so
 * for the life of a store, also when it is opened for reading or carried elsewhere, so a driver has
 * to note it.
 *
 * @param foldsCase whether names that differ in case or Unicode form only can be one
 * @param keepsReserved whether the characters, endings and names that are special on Windows are
 *     kept
 * @param keepsBytes whether bytes that are no UTF-8 are kept
 * @param keepsComposed whether composed characters stay so
 * @param keepsDecomposed whether decomposed characters stay so
 */
public record NameTraits(
    boolean foldsCase,
    boolean keepsReserved,
    boolean keepsBytes,
    boolean keepsComposed,
    boolean keepsDecomposed) {

  /** Any sequence of bytes without slash and NUL is a name of its own. */
  public static final NameTraits ALL = new NameTraits(false, true, true, true, true);

  /** Whether some names are escaped, and so what looks like an escape is one. */
  public boolean hasEscapes() {
    return !equals(ALL);
  }

  /** What both keep. */
  public NameTraits and(NameTraits other) {
    return new NameTraits(
        foldsCase || other.foldsCase,
        keepsReserved && other.keepsReserved,
        keepsBytes && other.keepsBytes,
        keepsComposed && other.keepsComposed,
        keepsDecomposed && other.keepsDecomposed);
  }
}
