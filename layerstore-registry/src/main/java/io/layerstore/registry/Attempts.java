package io.layerstore.registry;

import io.layerstore.OperationInterruptedException;
import io.layerstore.RegistryException;
import io.layerstore.RegistryException.Kind;
import io.layerstore.RegistryOptions;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts what fails of one request for the moment, and waits before the next attempt. */
final class Attempts {

  private static final Logger log = LoggerFactory.getLogger(Attempts.class);
  private static final String OPERATION = "talking to a registry";

  /** Nobody listening is seldom cured by waiting. */
  private static final int MAX_CONNECT_RETRIES = 2;

  private static final int MAX_DOUBLINGS = 6;

  private final RegistryOptions options;
  private final Words words;
  private Duration left;
  private int failures;
  private int connectFailures;

  /** What a request is about, for errors. */
  record Words(String registry, String reference, String what) {

    RegistryException exception(Kind kind, String problem, @Nullable Throwable cause) {
      return exception(kind, null, problem, cause);
    }

    RegistryException exception(
        Kind kind, @Nullable Instant retryAt, String problem, @Nullable Throwable cause) {
      return new RegistryException(
          kind, registry, reference, retryAt, what + " failed: " + problem, cause);
    }
  }

  Attempts(RegistryOptions options, Words words) {
    this.options = options;
    this.words = words;
    this.left = options.patience();
  }

  /** Begins to count anew, because something has come of it. */
  void progressed() {
    failures = 0;
  }

  /**
   * Waits after an answer that means "not now".
   *
   * @throws RegistryException if it is enough
   */
  void failed(int status, HttpHeaders headers, String said) throws IOException {
    Instant retryAt = retryAt(headers);
    String problem =
        words.registry() + " answered " + status + (said.isEmpty() ? "" : " (" + said + ")");
    Kind kind = status == 429 ? Kind.RATE_LIMITED : Kind.UNREACHABLE;
    Duration wait = delay();
    if (retryAt != null) {
      Duration wanted = Duration.between(Instant.now(), retryAt);
      wait = wanted.compareTo(wait) > 0 ? wanted : wait;
    }
    if (++failures > options.retries() || wait.compareTo(left) > 0) {
      throw words.exception(
          kind,
          retryAt,
          problem
              + (kind == Kind.RATE_LIMITED
                  ? "; there were too many requests" + (retryAt == null ? "" : ", until " + retryAt)
                  : "; try again later"),
          null);
    }
    pause(wait, problem);
  }

  /**
   * Waits after a failure of the connection.
   *
   * @throws RegistryException if it is enough
   */
  void failed(IOException e) throws IOException {
    checkInterrupt(e);
    if (e instanceof RegistryException known) {
      throw known;
    }
    String problem = describe(e);
    if (e instanceof BadAnswerException) {
      if (++failures > options.retries()) {
        throw words.exception(Kind.INVALID_RESPONSE, problem, e);
      }
      pause(delay(), problem);
      return;
    }
    if (isAboutTrust(e)) {
      throw words.exception(
          Kind.UNREACHABLE,
          problem
              + "; if the registry is yours, put its CA into certs.d/"
              + words.registry()
              + "/ca.crt",
          e);
    }
    boolean isConnecting =
        e instanceof ConnectException || e instanceof HttpConnectTimeoutException;
    if (++failures > options.retries()
        || (isConnecting && ++connectFailures > MAX_CONNECT_RETRIES)
        || delay().compareTo(left) > 0) {
      throw words.exception(
          Kind.UNREACHABLE, problem + "; check the name, the network and the proxy settings", e);
    }
    pause(delay(), problem);
  }

  private static boolean isAboutTrust(Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof java.security.cert.CertificateException
          || cause instanceof java.security.cert.CertPathBuilderException
          || cause instanceof SSLPeerUnverifiedException) {
        return true;
      }
    }
    return e instanceof SSLHandshakeException;
  }

  static String describe(Throwable e) {
    String message = e.getMessage();
    if (e instanceof ConnectException) {
      return "no connection" + (message == null ? "" : " (" + message + ")");
    }
    return message == null ? e.getClass().getSimpleName() : message;
  }

  static void checkInterrupt(@Nullable Throwable e) throws OperationInterruptedException {
    if (e instanceof OperationInterruptedException interrupted) {
      throw interrupted;
    }
    if (Thread.currentThread().isInterrupted() || e instanceof InterruptedIOException) {
      Thread.currentThread().interrupt();
      throw new OperationInterruptedException(OPERATION, e);
    }
  }

  private Duration delay() {
    return options.retryDelay().multipliedBy(1L << Math.min(failures, MAX_DOUBLINGS));
  }

  private void pause(Duration wait, String problem) throws OperationInterruptedException {
    log.debug("{}: {}; trying again in {}", words.what(), problem, wait);
    left = left.minus(wait);
    try {
      Thread.sleep(wait.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new OperationInterruptedException(OPERATION, e);
    }
  }

  /** When the registry wants to be asked again; null if it does not say. */
  private static @Nullable Instant retryAt(HttpHeaders headers) {
    String text = headers.firstValue("Retry-After").orElse("").strip();
    try {
      if (text.matches("[0-9]{1,9}")) {
        return Instant.now().plusSeconds(Long.parseLong(text));
      }
      return text.isEmpty()
          ? null
          : ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
    } catch (DateTimeException e) {
      return null;
    }
  }

  /** A registry answered with something that makes no sense; another attempt may do better. */
  static final class BadAnswerException extends IOException {
    private static final long serialVersionUID = 1L;

    BadAnswerException(String message) {
      super(message);
    }
  }
}
