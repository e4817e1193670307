package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which proxy to ask: {@code HTTPS_PROXY}, {@code HTTP_PROXY} and {@code NO_PROXY} of the
 * environment, in capitals or not, and else what the system properties say. This machine is never
 * asked through a proxy.
 *
 * <p>User and password are in the variable's URL, or in the properties {@code https.proxyUser} and
 * {@code https.proxyPassword}, {@code http.proxyUser} and {@code http.proxyPassword}.
 */
final class Proxies extends ProxySelector {

  /** Read once by Java, before the first request. */
  static final String TUNNEL_PROPERTY = "jdk.http.auth.tunneling.disabledSchemes";

  private static final int DEFAULT_PORT = 8080;

  private final Map<String, String> environment;

  Proxies(Map<String, String> environment) {
    this.environment = environment;
  }

  /**
   * What to show to the proxy for a URL: {@code Basic}, with user and password; null if it is asked
   * without, or there is none.
   */
  @Nullable String authorization(URI uri) {
    if (select(uri).get(0).type() != Proxy.Type.HTTP) {
      return null;
    }
    String url = variable(uri.getScheme() + "_proxy");
    String user;
    if (url.isEmpty()) {
      String name = System.getProperty(uri.getScheme() + ".proxyUser", "");
      user = name + ":" + System.getProperty(uri.getScheme() + ".proxyPassword", "");
    } else {
      String info = URI.create(withScheme(url)).getUserInfo();
      user = info == null ? "" : info.contains(":") ? info : info + ":";
    }
    return user.isEmpty() || user.startsWith(":")
        ? null
        : "Basic " + Base64.getEncoder().encodeToString(user.getBytes(UTF_8));
  }

  private static String withScheme(String url) {
    return url.contains("://") ? url : "http://" + url;
  }

  /**
   * Whether Java sends a password to a proxy that is to let encrypted connections through. By
   * default it does not.
   */
  static boolean mayAuthorizeTunnels() {
    String disabled = System.getProperty(TUNNEL_PROPERTY, "Basic");
    return !List.of(disabled.toLowerCase(Locale.ROOT).split("[, ]+", -1)).contains("basic");
  }

  @Override
  public List<Proxy> select(URI uri) {
    String host = String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT);
    if (Endpoint.isLoopback(host)) {
      return List.of(Proxy.NO_PROXY);
    }
    String url = variable(uri.getScheme() + "_proxy");
    if (url.isEmpty()) {
      ProxySelector properties = ProxySelector.getDefault();
      return properties == null ? List.of(Proxy.NO_PROXY) : properties.select(uri);
    }
    InetSocketAddress address = isExempt(host, uri.getPort()) ? null : address(url);
    return List.of(address == null ? Proxy.NO_PROXY : new Proxy(Proxy.Type.HTTP, address));
  }

  private String variable(String name) {
    String small = environment.getOrDefault(name, "");
    return small.isEmpty() ? environment.getOrDefault(name.toUpperCase(Locale.ROOT), "") : small;
  }

  private static @Nullable InetSocketAddress address(String url) {
    try {
      URI proxy = URI.create(withScheme(url));
      return proxy.getHost() == null
          ? null
          : InetSocketAddress.createUnresolved(
              proxy.getHost(), proxy.getPort() < 0 ? DEFAULT_PORT : proxy.getPort());
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /**
   * Names, with what is below them, with or without a port; networks, such as {@code 10.0.0.0/8},
   * for hosts that are addresses; {@code *} for all.
   */
  private boolean isExempt(String host, int port) {
    for (String word : variable("no_proxy").toLowerCase(Locale.ROOT).split("[, ]+", -1)) {
      String name = word.replaceFirst("^\\*?\\.", "");
      String own = name.contains(":") ? host + ":" + port : host;
      if (word.equals("*")
          || (word.indexOf('/') > 0 && Machine.Cidr.contains(word, host))
          || (!name.isEmpty() && (own.equals(name) || own.endsWith("." + name)))) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void connectFailed(URI uri, SocketAddress address, IOException failure) {
    // The request fails with the same, and is tried again by whoever sent it.
  }
}
