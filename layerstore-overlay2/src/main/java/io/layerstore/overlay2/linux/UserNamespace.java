package io.layerstore.overlay2.linux;

import io.layerstore.IdMapping;
import java.util.Objects;

/**
 * Whether helpers work in a user namespace of their own, which is how an ordinary user mounts, and
 * which ids there are in it. Immutable.
 *
 * @param isUsed whether there is one
 * @param ranges the ids, as inside and on the host; the identity stands for a single one, the
 *     caller's user as 0
 * @param shortcoming why there is a single one where more were wanted; else empty
 */
public record UserNamespace(boolean isUsed, IdMapping ranges, String shortcoming) {

  /** None: for a process that may mount by itself, such as one of root. */
  public static final UserNamespace NONE = new UserNamespace(false, IdMapping.IDENTITY, "");

  /** One in which the caller's user is root, and the only user there is. */
  public static final UserNamespace OF_USER = ofUser("");

  /**
   * Checks the parts.
   *
   * @throws IllegalArgumentException if there are ranges without a namespace, or user or group 0 is
   *     not among them
   */
  public UserNamespace {
    Objects.requireNonNull(ranges, "ranges");
    Objects.requireNonNull(shortcoming, "shortcoming");
    if (!ranges.isIdentity()
        && (!isUsed || ranges.uidToHost(0).isEmpty() || ranges.gidToHost(0).isEmpty())) {
      throw new IllegalArgumentException("id ranges do not fit a user namespace: " + ranges);
    }
  }

  /** One in which the caller's user is the only one, because of {@code shortcoming}. */
  public static UserNamespace ofUser(String shortcoming) {
    return new UserNamespace(true, IdMapping.IDENTITY, shortcoming);
  }

  /** One with many ids, which {@code newuidmap} and {@code newgidmap} must grant. */
  public static UserNamespace ofRanges(IdMapping ranges) {
    return new UserNamespace(true, ranges, "");
  }

  /** Whether there are more ids than that of the user. */
  public boolean hasRanges() {
    return !ranges.isIdentity();
  }
}
