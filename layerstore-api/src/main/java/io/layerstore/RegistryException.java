package io.layerstore;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A registry refused a request, or could not be reached. The store is unchanged. */
public final class RegistryException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  /** Why. */
  public enum Kind {
    /** There is no such repository, tag, manifest or blob. */
    NOT_FOUND,
    /** The registry wants credentials, or does not accept those it was given. */
    UNAUTHORIZED,
    /** The credentials are good, and not enough for this. */
    DENIED,
    /** Too many requests; {@link #retryAt} may say when to try again. */
    RATE_LIMITED,
    /** What came has another digest than was asked for. */
    WRONG_DIGEST,
    /** No answer, or only failures, for as long as the options allow. */
    UNREACHABLE,
    /** A response is larger than the limits allow, or than announced. */
    TOO_LARGE,
    /** The answer makes no sense, such as a redirect without end. */
    INVALID_RESPONSE,
    /** The registry has it only in an unsupported form, such as a manifest of schema 1. */
    UNSUPPORTED,
    /** The registry refused what was pushed. */
    REJECTED,
    /** This machine's configuration forbids the registry, or the way to reach it. */
    BLOCKED
  }

  private final Kind kind;
  private final String registry;
  private final String reference;
  private final transient @Nullable Instant retryAt;

  /** With a sentence; the registry's host, and what was asked for. */
  public RegistryException(
      Kind kind, String registry, String reference, String message, @Nullable Throwable cause) {
    this(kind, registry, reference, null, message, cause);
  }

  /** The same, and when to come back. */
  public RegistryException(
      Kind kind,
      String registry,
      String reference,
      @Nullable Instant retryAt,
      String message,
      @Nullable Throwable cause) {
    super(message, cause);
    this.kind = Objects.requireNonNull(kind, "kind");
    this.registry = Objects.requireNonNull(registry, "registry");
    this.reference = Objects.requireNonNull(reference, "reference");
    this.retryAt = retryAt;
  }

  /** Why. */
  public Kind kind() {
    return kind;
  }

  /** The registry's host, with its port if it has one. */
  public String registry() {
    return registry;
  }

  /** What was asked for: a reference, or a repository. */
  public String reference() {
    return reference;
  }

  /** When the registry wants to be asked again, where it says so. */
  public Optional<Instant> retryAt() {
    return Optional.ofNullable(retryAt);
  }
}
