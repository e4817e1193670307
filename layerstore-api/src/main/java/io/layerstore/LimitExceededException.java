package io.layerstore;

/** An archive asks for more than a limit allows. */
public class LimitExceededException extends ArchiveException {
  private static final long serialVersionUID = 1L;

  /** How the names of all limits in {@link Limits} begin. */
  private static final String OPTION_PREFIX = "max";

  private final String limitName;
  private final long limit;

  /** About the limit called {@code limitName} in {@link Limits}, or one of the file system. */
  public LimitExceededException(long entryIndex, String entryName, String limitName, long limit) {
    super(
        entryIndex,
        entryName,
        "exceeds the limit "
            + limitName
            + " of "
            + limit
            + (limitName.startsWith(OPTION_PREFIX)
                ? "; if you trust where the archive comes from, raise "
                    + limitName
                    + " of the Limits that the store is opened with"
                : ", which no option raises"),
        null);
    this.limitName = limitName;
    this.limit = limit;
  }

  /** The name of the limit. */
  public String limitName() {
    return limitName;
  }

  /** Its value. */
  public long limit() {
    return limit;
  }
}
