package io.layerstore;

import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * An archive is refused. {@link #kind} says why, the other accessors give the facts; names are in
 * printable form: control characters and bytes that are not text are escaped.
 */
public class ArchiveException extends LayerStoreException {

  /** Why an archive is refused. */
  public enum Kind {
    /** It breaks the rules of its format, is cut off, or is ambiguous between readers. */
    MALFORMED,
    /** It tries to reach a file outside its layer. */
    BREAKOUT,
    /** It has an entry that a layer cannot hold or that could not be exported again. */
    UNSUPPORTED_ENTRY,
    /** It asks for more than {@link Limits}, the format or the file system allow. */
    LIMIT_EXCEEDED,
    /** It is, or is to be, compressed with a format whose library is not on the class path. */
    UNSUPPORTED_COMPRESSION
  }

  private static final long serialVersionUID = 1L;

  private static final long NO_NUMBER = -1;

  /** How the names of all limits in {@link Limits} begin. */
  private static final String OPTION_PREFIX = "max";

  private final Kind kind;
  private final long entryIndex;
  private final String entryName;
  private final @Nullable String limitName;
  private final long limit;
  private final @Nullable String liftedBy;

  /** About the archive as a whole. */
  public ArchiveException(Kind kind, String problem) {
    this(kind, problem, (Throwable) null);
  }

  /** About the archive as a whole, with what caused it. */
  public ArchiveException(Kind kind, String problem, @Nullable Throwable cause) {
    this(kind, NO_NUMBER, "", "layer archive: " + problem, cause, null, NO_NUMBER, null);
  }

  /**
   * About an entry.
   *
   * @param entryIndex its number, from 0; negative if that is not known
   * @param entryName its name; empty if that is not known
   */
  public ArchiveException(Kind kind, long entryIndex, String entryName, String problem) {
    this(kind, entryIndex, entryName, problem, null);
  }

  /** The same, with what caused it. */
  public ArchiveException(
      Kind kind, long entryIndex, String entryName, String problem, @Nullable Throwable cause) {
    this(
        kind,
        Math.max(entryIndex, NO_NUMBER),
        entryName,
        about(entryIndex, entryName) + problem,
        cause,
        null,
        NO_NUMBER,
        null);
  }

  private ArchiveException(
      Kind kind,
      long entryIndex,
      String entryName,
      String message,
      @Nullable Throwable cause,
      @Nullable String limitName,
      long limit,
      @Nullable String liftedBy) {
    super(message, cause);
    this.kind = kind;
    this.entryIndex = entryIndex;
    this.entryName = entryName;
    this.limitName = limitName;
    this.limit = limit;
    this.liftedBy = liftedBy;
  }

  /** The archive as a whole asks for more than {@code limit}, which is called {@code limitName}. */
  public static ArchiveException limitExceeded(String limitName, long limit) {
    return limitExceeded(NO_NUMBER, "", limitName, limit);
  }

  /**
   * The entry number {@code entryIndex} asks for more than {@code limit}; {@code limitName} is an
   * option of {@link Limits}, or names a limit of the format or the file system.
   */
  public static ArchiveException limitExceeded(
      long entryIndex, String entryName, String limitName, long limit) {
    boolean isOption = limitName.startsWith(OPTION_PREFIX);
    return new ArchiveException(
        Kind.LIMIT_EXCEEDED,
        entryIndex,
        entryName,
        about(entryIndex, entryName)
            + "exceeds the limit "
            + limitName
            + " of "
            + limit
            + (isOption
                ? "; if you trust where the archive comes from, raise "
                    + limitName
                    + " of the Limits that the store is opened with"
                : ", which no option raises"),
        null,
        limitName,
        limit,
        isOption ? limitName : null);
  }

  /** Reading or writing {@code format} needs {@code library}, which is not on the class path. */
  public static ArchiveException unsupportedCompression(
      String format, String library, @Nullable Throwable cause) {
    return new ArchiveException(
        Kind.UNSUPPORTED_COMPRESSION,
        NO_NUMBER,
        "",
        "the archive is compressed with "
            + format
            + ", which needs "
            + library
            + " on the class path",
        cause,
        null,
        NO_NUMBER,
        library);
  }

  /** The same, with the name of the archive, such as its file. */
  public ArchiveException in(String archive) {
    return new ArchiveException(
        kind,
        entryIndex,
        entryName,
        archive + " is not accepted: " + getMessage(),
        this,
        limitName,
        limit,
        liftedBy);
  }

  private static String about(long entryIndex, String entryName) {
    if (entryIndex < 0) {
      return "layer archive: ";
    }
    return "layer archive entry "
        + entryIndex
        + (entryName.isEmpty() ? "" : " \"" + entryName + "\"")
        + ": ";
  }

  /** Why the archive is refused. */
  public Kind kind() {
    return kind;
  }

  /** The number of the entry at fault, from 0; empty if it is the archive as a whole. */
  public OptionalLong entryIndex() {
    return number(entryIndex);
  }

  /** The name of the entry at fault, where it is known. */
  public Optional<String> entryName() {
    return entryName.isEmpty() ? Optional.empty() : Optional.of(entryName);
  }

  /** The limit that is exceeded, such as {@code maxEntries}. */
  public Optional<String> limitName() {
    return Optional.ofNullable(limitName);
  }

  /** The value of the limit that is exceeded. */
  public OptionalLong limit() {
    return number(limit);
  }

  /**
   * What would make the archive acceptable: the option of {@link Limits} to raise, or the library
   * to add; empty if nothing would.
   */
  public Optional<String> liftedBy() {
    return Optional.ofNullable(liftedBy);
  }

  private static OptionalLong number(long number) {
    return number == NO_NUMBER ? OptionalLong.empty() : OptionalLong.of(number);
  }
}
