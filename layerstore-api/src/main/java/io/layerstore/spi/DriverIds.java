package io.layerstore.spi;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** The rules for the ids under which a graph driver keeps layers. */
public final class DriverIds {

  /**
   * Longer than any id of Docker or BuildKit, and short enough for every file system with a suffix
   * added.
   */
  private static final int MAX_LENGTH = 200;

  private static final Pattern MOUNT_ID = Pattern.compile("[a-f0-9]{64}(-init)?");
  private static final Pattern TWELVE_DECIMAL_DIGITS = Pattern.compile("[0-9]{12}.*");
  private static final SecureRandom RANDOM = new SecureRandom();

  private DriverIds() {}

  /**
   * A fresh id: 32 random bytes in hexadecimal, drawn again while the first twelve digits are all
   * decimal, because Docker could take their short form for a number.
   */
  public static String random() {
    byte[] bytes = new byte[32];
    String id;
    do {
      RANDOM.nextBytes(bytes);
      id = HexFormat.of().formatHex(bytes);
    } while (TWELVE_DECIMAL_DIGITS.matcher(id).matches());
    return id;
  }

  /**
   * Whether {@code id} is one safe path component; Docker's 64 digits and BuildKit's 25 characters
   * are.
   */
  public static boolean isValid(String id) {
    if (id.isEmpty() || id.length() > MAX_LENGTH) {
      return false;
    }
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      boolean isAlphanumeric =
          (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
      if (!isAlphanumeric && (i == 0 || (c != '_' && c != '.' && c != '-'))) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns {@code id}.
   *
   * @throws IllegalArgumentException if it is not one safe path component
   */
  public static String requireValid(String id) {
    if (!isValid(id)) {
      throw new IllegalArgumentException("invalid driver id");
    }
    return id;
  }

  /**
   * Whether {@code id} can be the mount id or init id of a read-write layer: 64 hexadecimal digits,
   * perhaps followed by {@code -init}.
   */
  public static boolean isMountId(String id) {
    return MOUNT_ID.matcher(id).matches();
  }
}
