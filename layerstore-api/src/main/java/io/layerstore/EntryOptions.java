package io.layerstore;

import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The attributes of an entry of a {@link LayerContent}. Immutable; start from {@link #DEFAULT}. */
public final class EntryOptions {

  /** The usual mode, owned by 0:0, modified in 1970, without extended attributes. */
  public static final EntryOptions DEFAULT =
      new EntryOptions(null, 0, 0, Instant.EPOCH, new TreeMap<>());

  private static final long MAX_ID = 0xffff_fffeL;
  private static final int MAX_MODE = 07777;
  private static final int MAX_NAME_BYTES = 255;

  private final @Nullable Integer mode;
  private final long uid;
  private final long gid;
  private final Instant modified;
  private final Map<String, ByteString> extendedAttributes;

  private EntryOptions(
      @Nullable Integer mode,
      long uid,
      long gid,
      Instant modified,
      Map<String, ByteString> extendedAttributes) {
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.modified = modified;
    this.extendedAttributes = extendedAttributes;
  }

  /** The twelve bits of permission; empty for what is usual. */
  public OptionalInt mode() {
    return mode == null ? OptionalInt.empty() : OptionalInt.of(mode);
  }

  /** The user id of the owner. */
  public long uid() {
    return uid;
  }

  /** The group id. */
  public long gid() {
    return gid;
  }

  /** The time of last modification, in whole seconds. */
  public Instant modified() {
    return modified;
  }

  /** The extended attributes by their full names, sorted. */
  public Map<String, ByteString> extendedAttributes() {
    return new TreeMap<>(extendedAttributes);
  }

  /**
   * These with another mode.
   *
   * @throws IllegalArgumentException if it is not a mode of twelve permission bits
   */
  public EntryOptions withMode(int newMode) {
    if ((newMode & ~MAX_MODE) != 0) {
      throw new IllegalArgumentException("not a mode: 0" + Integer.toOctalString(newMode));
    }
    return new EntryOptions(newMode, uid, gid, modified, extendedAttributes);
  }

  /** These, with {@code usual} for the mode if there is none. */
  EntryOptions orMode(int usual) {
    return mode == null ? withMode(usual) : this;
  }

  /**
   * These with another owner.
   *
   * @throws IllegalArgumentException if an id is out of range
   */
  public EntryOptions withOwner(long newUid, long newGid) {
    if (newUid < 0 || newUid > MAX_ID || newGid < 0 || newGid > MAX_ID) {
      throw new IllegalArgumentException("not an owner: " + newUid + ":" + newGid);
    }
    return new EntryOptions(mode, newUid, newGid, modified, extendedAttributes);
  }

  /** These with another modification time; fractions of a second are dropped. */
  public EntryOptions withModified(Instant newModified) {
    return new EntryOptions(
        mode, uid, gid, Instant.ofEpochSecond(newModified.getEpochSecond()), extendedAttributes);
  }

  /**
   * These with one more extended attribute.
   *
   * @param name its full name, such as {@code user.note} or {@code security.capability}
   * @throws IllegalArgumentException if no archive can have an attribute of this name
   */
  public EntryOptions withExtendedAttribute(String name, ByteString value) {
    boolean isName =
        name.indexOf('.') > 0
            && name.length() <= MAX_NAME_BYTES
            && name.chars().allMatch(c -> c > 0x20 && c < 0x7f && c != '=');
    if (!isName) {
      throw new IllegalArgumentException("not the name of an extended attribute: " + name);
    }
    Map<String, ByteString> more = new TreeMap<>(extendedAttributes);
    more.put(name, Objects.requireNonNull(value, "value"));
    return new EntryOptions(mode, uid, gid, modified, more);
  }

  private Object[] values() {
    return new Object[] {mode, uid, gid, modified, extendedAttributes};
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof EntryOptions that && Arrays.equals(values(), that.values());
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(values());
  }
}
