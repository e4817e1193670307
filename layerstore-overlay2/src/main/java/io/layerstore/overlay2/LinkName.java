package io.layerstore.overlay2;

import java.security.SecureRandom;

/**
 * The short names under {@code l/} by which layers are known to mounts: 26 characters of the base32
 * alphabet, so that the list of 128 of them stays below one page.
 *
 * <p>Has the form that {@code overlayutils.GenerateID} of moby makes.
 */
final class LinkName {

  private static final int LENGTH = 26;
  private static final String ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  private static final int MAX_LENGTH = 100;
  private static final SecureRandom RANDOM = new SecureRandom();

  private LinkName() {}

  /** A fresh name. */
  static String random() {
    StringBuilder name = new StringBuilder(LENGTH);
    for (int i = 0; i < LENGTH; i++) {
      name.append(ALPHABET.charAt(RANDOM.nextInt(ALPHABET.length())));
    }
    return name.toString();
  }

  /**
   * Whether a name found on the disk can be used. Other lengths than ours are fine, other
   * characters would have a meaning in mount options.
   */
  static boolean isSafe(String name) {
    if (name.isEmpty() || name.length() > MAX_LENGTH || !isAlphanumeric(name.charAt(0))) {
      return false;
    }
    for (int i = 1; i < name.length(); i++) {
      char c = name.charAt(i);
      if (!isAlphanumeric(c) && c != '_' && c != '-') {
        return false;
      }
    }
    return true;
  }

  private static boolean isAlphanumeric(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  }
}
