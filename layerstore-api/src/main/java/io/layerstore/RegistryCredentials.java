package io.layerstore;

import java.util.Objects;

/**
 * Credentials for a registry. Immutable; {@link #toString} shows no secret.
 *
 * <p>Has no {@code equals}, so that nothing compares secrets by accident.
 */
public final class RegistryCredentials {

  /** No credentials, whatever the files of this machine say. */
  public static final RegistryCredentials ANONYMOUS = new RegistryCredentials("", "", false);

  private final String username;
  private final String secret;
  private final boolean isToken;

  private RegistryCredentials(String username, String secret, boolean isToken) {
    this.username = username;
    this.secret = secret;
    this.isToken = isToken;
  }

  /**
   * A user with a password or an access token.
   *
   * @throws IllegalArgumentException if the name is empty, or has a colon or a control character
   */
  public static RegistryCredentials of(String username, String password) {
    Objects.requireNonNull(password, "password");
    if (username.isEmpty()
        || username.indexOf(':') >= 0
        || username.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException(
          "a user's name is not empty, and has no colon and no control characters");
    }
    return new RegistryCredentials(username, password, false);
  }

  /** An identity token from a login, which is exchanged for short-lived tokens. */
  public static RegistryCredentials ofIdentityToken(String token) {
    return new RegistryCredentials("", Objects.requireNonNull(token, "token"), true);
  }

  /** The user; empty for none. */
  public String username() {
    return username;
  }

  /** The password or identity token; empty for none. */
  public String secret() {
    return secret;
  }

  /** Whether {@link #secret} is an identity token. */
  public boolean isIdentityToken() {
    return isToken;
  }

  /** Whether there is nothing to show. */
  public boolean isAnonymous() {
    return username.isEmpty() && secret.isEmpty();
  }

  /** Who it is, without the secret. */
  @Override
  public String toString() {
    return isAnonymous() ? "anonymous" : isToken ? "an identity token" : "user " + username;
  }
}
