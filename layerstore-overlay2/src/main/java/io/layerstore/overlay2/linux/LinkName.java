package io.layerstore.overlay2.linux;

import java.security.SecureRandom;

/**
 * The short names under {@code l/} by which layers are known to mounts: 26 characters of the base32
 * alphabet, so that the list of 128 of them stays below one page.
 *
 * <p>Has the form that {@code overlayutils.GenerateID} of moby makes; a name of another form is
 * damage, and could have a meaning in mount options.
 */
public final class LinkName {

  private static final int LENGTH = 26;
  private static final String ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  private static final SecureRandom RANDOM = new SecureRandom();

  private LinkName() {}

  /** A fresh name. */
  public static String random() {
    StringBuilder name = new StringBuilder(LENGTH);
    for (int i = 0; i < LENGTH; i++) {
      name.append(ALPHABET.charAt(RANDOM.nextInt(ALPHABET.length())));
    }
    return name.toString();
  }

  /** Whether {@code name} is one. A mount has hundreds, so this is no regular expression. */
  public static boolean isValid(String name) {
    for (int i = 0; i < name.length(); i++) {
      if (ALPHABET.indexOf(name.charAt(i)) < 0) {
        return false;
      }
    }
    return name.length() == LENGTH;
  }
}
