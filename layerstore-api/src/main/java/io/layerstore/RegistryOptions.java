package io.layerstore;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How to talk to registries. Immutable; made with {@link #builder}.
 *
 * <p>What is not set is taken from the usual places: credentials from {@code REGISTRY_AUTH_FILE},
 * containers' {@code auth.json} and Docker's {@code config.json} with its helper programs; mirrors,
 * insecure and blocked registries from {@code registries.conf} and Docker's {@code daemon.json};
 * certificates from {@code certs.d}; proxies from the environment and the system properties.
 */
public final class RegistryOptions {

  /** As this machine is set up. */
  public static final RegistryOptions DEFAULT = builder().build();

  private final @Nullable RegistryCredentials credentials;
  private final List<URI> mirrors;
  private final List<String> insecure;
  private final Map<String, String> environment;
  private final Path systemDirectory;
  private final Duration connectTimeout;
  private final Duration requestTimeout;
  private final Duration idleTimeout;
  private final int retries;
  private final Duration retryDelay;
  private final Duration patience;

  private RegistryOptions(Builder builder) {
    credentials = builder.credentials;
    mirrors = List.copyOf(builder.mirrors);
    insecure = List.copyOf(builder.insecure);
    environment = builder.environment == null ? System.getenv() : Map.copyOf(builder.environment);
    systemDirectory = builder.systemDirectory;
    connectTimeout = builder.connectTimeout;
    requestTimeout = builder.requestTimeout;
    idleTimeout = builder.idleTimeout;
    retries = builder.retries;
    retryDelay = builder.retryDelay;
    patience = builder.patience;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** The credentials to use; empty for those in the files of this machine. */
  public Optional<RegistryCredentials> credentials() {
    return Optional.ofNullable(credentials);
  }

  /** Mirrors to ask before the registry itself when pulling, in this order. */
  public List<URI> mirrors() {
    return mirrors;
  }

  /** Hosts that may be used without encryption, or with an untrusted certificate. */
  public List<String> insecure() {
    return insecure;
  }

  /** The environment in which files, helpers and proxies are looked up. */
  public Map<String, String> environment() {
    return environment;
  }

  /** The directory of the system's configuration, {@code /etc}. */
  public Path systemDirectory() {
    return systemDirectory;
  }

  /** How long a connection may take to be made. */
  public Duration connectTimeout() {
    return connectTimeout;
  }

  /** How long an answer may take to begin. */
  public Duration requestTimeout() {
    return requestTimeout;
  }

  /** How long a transfer may stand still. */
  public Duration idleTimeout() {
    return idleTimeout;
  }

  /** How often in a row a temporary failure is retried. */
  public int retries() {
    return retries;
  }

  /** How long to wait before the first retry; doubled each time. */
  public Duration retryDelay() {
    return retryDelay;
  }

  /** How long one request may wait for new attempts in all. */
  public Duration patience() {
    return patience;
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.credentials = credentials;
    builder.mirrors.addAll(mirrors);
    builder.insecure.addAll(insecure);
    builder.environment = environment;
    builder.systemDirectory = systemDirectory;
    builder.connectTimeout = connectTimeout;
    builder.requestTimeout = requestTimeout;
    builder.idleTimeout = idleTimeout;
    builder.retries = retries;
    builder.retryDelay = retryDelay;
    builder.patience = patience;
    return builder;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable RegistryCredentials credentials;
    private final List<URI> mirrors = new ArrayList<>();
    private final TreeSet<String> insecure = new TreeSet<>();
    private @Nullable Map<String, String> environment;
    private Path systemDirectory = Path.of("/etc");
    private Duration connectTimeout = Duration.ofSeconds(15);
    private Duration requestTimeout = Duration.ofSeconds(60);
    private Duration idleTimeout = Duration.ofSeconds(60);
    private int retries = 5;
    private Duration retryDelay = Duration.ofMillis(500);
    private Duration patience = Duration.ofMinutes(2);

    private Builder() {}

    /**
     * Sets the credentials for the registry; {@link RegistryCredentials#ANONYMOUS} for none, null
     * for those in the files of this machine.
     */
    public Builder credentials(@Nullable RegistryCredentials credentials) {
      this.credentials = credentials;
      return this;
    }

    /**
     * Adds a mirror to ask before the registry itself when pulling, such as {@code
     * https://mirror.example.com}. It gets the credentials for its own host, never the registry's.
     *
     * @throws IllegalArgumentException if it is not an HTTP URL
     */
    public Builder mirror(URI mirror) {
      String scheme = String.valueOf(mirror.getScheme());
      if (mirror.getHost() == null || !(scheme.equals("https") || scheme.equals("http"))) {
        throw new IllegalArgumentException(
            "no mirror: " + mirror + "; give one such as https://mirror.example.com");
      }
      mirrors.add(mirror);
      return this;
    }

    /**
     * Allows a host, with its port if it has one, to be used without encryption, or with an
     * untrusted certificate. Plain HTTP to this machine itself is always allowed.
     */
    public Builder insecure(String host) {
      insecure.add(host);
      return this;
    }

    /** Sets the environment to look things up in; that of the process at first. */
    public Builder environment(Map<String, String> environment) {
      this.environment = Map.copyOf(environment);
      return this;
    }

    /** Sets the directory of the system's configuration; {@code /etc} at first. */
    public Builder systemDirectory(Path directory) {
      this.systemDirectory = Objects.requireNonNull(directory, "directory");
      return this;
    }

    /** Sets how long connecting may take; 15 seconds at first. */
    public Builder connectTimeout(Duration timeout) {
      this.connectTimeout = positive(timeout);
      return this;
    }

    /** Sets how long to wait for the beginning of an answer; a minute at first. */
    public Builder requestTimeout(Duration timeout) {
      this.requestTimeout = positive(timeout);
      return this;
    }

    /** Sets how long a transfer may stand still; a minute at first. */
    public Builder idleTimeout(Duration timeout) {
      this.idleTimeout = positive(timeout);
      return this;
    }

    /**
     * Sets how often in a row a temporary failure is retried; 5 at first. The count begins again
     * when a transfer makes progress.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Builder retries(int retries) {
      if (retries < 0) {
        throw new IllegalArgumentException("retries is negative: " + retries);
      }
      this.retries = retries;
      return this;
    }

    /** Sets how long to wait before the first retry; half a second at first. */
    public Builder retryDelay(Duration delay) {
      this.retryDelay = positive(delay);
      return this;
    }

    /**
     * Sets how long one request may wait for retries in all; 2 minutes at first. If a registry asks
     * for more, the request fails at once as {@link RegistryException.Kind#RATE_LIMITED}.
     */
    public Builder patience(Duration patience) {
      this.patience = positive(patience);
      return this;
    }

    private static Duration positive(Duration duration) {
      if (duration.isNegative() || duration.isZero()) {
        throw new IllegalArgumentException("not a positive time: " + duration);
      }
      return duration;
    }

    /** Makes the options. */
    public RegistryOptions build() {
      return new RegistryOptions(this);
    }
  }
}
