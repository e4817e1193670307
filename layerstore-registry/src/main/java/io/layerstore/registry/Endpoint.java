package io.layerstore.registry;

import java.net.URI;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One place to ask for a repository: the registry itself, or a mirror of it.
 *
 * @param host host, and port if there is one
 * @param path what comes before {@code /v2/} in URLs; empty as a rule
 * @param repository the repository there
 * @param credentialKey the registry whose credentials are for this place
 * @param schemes what to try, in this order
 * @param isMirror whether it is a mirror, which need not have everything
 */
record Endpoint(
    String host,
    String path,
    String repository,
    String credentialKey,
    List<String> schemes,
    boolean isMirror) {

  /** Docker's own registry, which has two names. */
  static final String DOCKER_DOMAIN = "docker.io";

  static final String DOCKER_HOST = "registry-1.docker.io";

  private static final String LOOPBACK_V4 = "127\\.[0-9]+\\.[0-9]+\\.[0-9]+";

  Endpoint {
    schemes = List.copyOf(schemes);
  }

  /**
   * A registry by its name.
   *
   * @param isInsecure whether it may be reached without proof of who it is
   */
  static Endpoint of(String domain, String repository, boolean isInsecure) {
    String host = domain.equals(DOCKER_DOMAIN) ? DOCKER_HOST : domain;
    return new Endpoint(host, "", repository, domain, schemes(host, isInsecure), false);
  }

  /**
   * Another place by its URL.
   *
   * @param url with scheme; its path comes before {@code /v2/}
   */
  static Endpoint ofMirror(URI url, String repository) {
    String path = url.getPath() == null ? "" : url.getPath().replaceAll("/+$", "");
    return new Endpoint(
        url.getAuthority(), path, repository, url.getAuthority(), List.of(url.getScheme()), true);
  }

  static List<String> schemes(String host, boolean isInsecure) {
    if (isLoopback(host)) {
      return List.of("http", "https");
    }
    return isInsecure ? List.of("https", "http") : List.of("https");
  }

  /** Whether a host, with or without a port, is this machine; known without asking anybody. */
  static boolean isLoopback(String host) {
    String name = host.replaceFirst(":[0-9]+$", "").toLowerCase(Locale.ROOT);
    return name.equals("localhost") || name.equals("[::1]") || name.matches(LOOPBACK_V4);
  }

  /** The URL of something in this place. */
  URI uri(String scheme, String rest) {
    return URI.create(scheme + "://" + host + path + "/v2/" + rest);
  }

  /** Whether two URLs are of one origin, so that what is for one may be shown to the other. */
  static boolean isSameOrigin(URI one, URI other) {
    return origin(one).equals(origin(other));
  }

  /** Scheme, host and port. */
  static String origin(URI uri) {
    String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    int port = uri.getPort() >= 0 ? uri.getPort() : scheme.equals("https") ? 443 : 80;
    return scheme + "://" + String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT) + ":" + port;
  }

  /** Host, with its port if it was given. */
  static String hostOf(@Nullable URI uri) {
    return uri == null ? "" : String.valueOf(uri.getAuthority());
  }
}
