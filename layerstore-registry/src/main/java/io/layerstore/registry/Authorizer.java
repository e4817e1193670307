package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.LayerStoreException;
import io.layerstore.RegistryCredentials;
import io.layerstore.RegistryException.Kind;
import io.layerstore.registry.Exchange.Request;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Shows registries who asks: by user and password, or by tokens that their token servers give for
 * them, for a time and a scope.
 *
 * <p>Credentials go to the registry they are for and to the token server that it names, which must
 * be encrypted if the registry is.
 *
 * @see <a href="https://distribution.github.io/distribution/spec/auth/token/">Token
 *     authentication</a>
 */
final class Authorizer {

  private static final String CLIENT = "layerstore";
  private static final int MAX_TOKEN_BYTES = 1 << 20;

  /** How long a token is good for whose server does not say, and is never less. */
  private static final long DEFAULT_SECONDS = 60;

  /** A token that ends so soon is not used any more. */
  private static final Duration MARGIN = Duration.ofSeconds(5);

  private static final int MIN_SECRET = 4;
  private static final int MIN_PARAMETER = 8;

  private final Exchange exchange;
  private final CredentialStore store;
  private final Map<String, Header> headers = new ConcurrentHashMap<>();
  private final Map<String, RegistryCredentials> credentials = new ConcurrentHashMap<>();
  private final Set<String> secrets = ConcurrentHashMap.newKeySet();

  /** What to send, and until when; null for as long as it is accepted. */
  private record Header(String value, @Nullable Instant until) {}

  Authorizer(Exchange exchange, CredentialStore store) {
    this.exchange = exchange;
    this.store = store;
  }

  /** The header to send to an endpoint for a scope; null if none is known to be needed. */
  @Nullable String header(Endpoint endpoint, String scope) {
    Header header = headers.get(key(endpoint, scope));
    if (header == null) {
      return null;
    }
    Instant until = header.until();
    return until == null || Instant.now().isBefore(until) ? header.value() : null;
  }

  private static String key(Endpoint endpoint, String scope) {
    return endpoint.host() + " " + scope;
  }

  /** Whether there is anything to show to an endpoint. */
  boolean hasCredentials(Endpoint endpoint) {
    RegistryCredentials known = credentials.get(endpoint.credentialKey());
    return known != null && !known.isAnonymous();
  }

  /**
   * Gets ready to show who asks.
   *
   * @param asked what the registry was asked
   * @param refused the header that it did not accept, or null
   * @param challenges what it wants
   * @return whether another attempt makes sense
   */
  boolean answer(Request asked, URI uri, @Nullable String refused, List<String> challenges)
      throws IOException {
    Endpoint endpoint = asked.endpoint();
    String key = key(endpoint, asked.scope());
    RegistryCredentials known = credentials(endpoint);
    for (Challenge challenge : Challenge.parse(challenges)) {
      if (challenge.scheme().equals(Challenge.BEARER)) {
        Header token = token(asked, uri, challenge, known);
        headers.put(key, token);
        return !token.value().equals(refused);
      }
      if (challenge.scheme().equals(Challenge.BASIC)
          && !known.username().isEmpty()
          && !known.isIdentityToken()) {
        Header basic = new Header(basic(known), null);
        headers.put(key, basic);
        return !basic.value().equals(refused);
      }
    }
    return false;
  }

  private RegistryCredentials credentials(Endpoint endpoint) throws LayerStoreException {
    RegistryCredentials known = credentials.get(endpoint.credentialKey());
    if (known == null) {
      known = store.find(endpoint.credentialKey(), endpoint.repository());
      credentials.put(endpoint.credentialKey(), known);
      hide(known.secret());
    }
    return known;
  }

  private String basic(RegistryCredentials known) {
    String encoded =
        Base64.getEncoder()
            .encodeToString((known.username() + ":" + known.secret()).getBytes(UTF_8));
    hide(encoded);
    return "Basic " + encoded;
  }

  /** Has a secret not be shown in what others said. */
  void hide(String secret) {
    if (secret.length() >= MIN_SECRET) {
      secrets.add(secret);
    }
  }

  /**
   * Has what a URL that somebody gave has after its question mark not be shown: signatures, and the
   * state of uploads.
   */
  void hideQuery(URI given) {
    String query = String.valueOf(given.getRawQuery());
    for (String pair : query.split("&", -1)) {
      String value = pair.substring(pair.indexOf('=') + 1);
      if (value.length() >= MIN_PARAMETER && !pair.startsWith("digest=")) {
        hide(value);
        hide(URLDecoder.decode(value, UTF_8));
      }
    }
  }

  /** A text without the secrets that were shown to somebody. */
  String redacted(String text) {
    String redacted = text;
    for (String secret : secrets) {
      redacted = redacted.replace(secret, "***");
    }
    return redacted;
  }

  private Header token(Request asked, URI uri, Challenge challenge, RegistryCredentials known)
      throws IOException {
    URI realm = realm(asked, uri, challenge);
    hideQuery(realm);
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("service", challenge.parameter("service"));
    // A mount needs more than the registry knows of.
    parameters.put("scope", asked.scope().isEmpty() ? challenge.parameter("scope") : asked.scope());
    parameters.values().removeIf(String::isEmpty);
    HttpResponse<BodyStream> response;
    if (known.isIdentityToken()) {
      parameters.put("grant_type", "refresh_token");
      parameters.put("refresh_token", known.secret());
      response = post(asked, realm, parameters);
    } else {
      response = get(asked, realm, parameters, known.isAnonymous() ? null : basic(known));
      if (response.statusCode() == 405 && !known.isAnonymous()) {
        response.body().close();
        parameters.put("grant_type", "password");
        parameters.put("username", known.username());
        parameters.put("password", known.secret());
        response = post(asked, realm, parameters);
      }
    }
    if (response.statusCode() != 200) {
      throw refused(asked, realm, response, known);
    }
    Json json = Json.parseOrEmpty(Exchange.bytes(response, MAX_TOKEN_BYTES, asked.words()));
    String token = json.text("token").isEmpty() ? json.text("access_token") : json.text("token");
    if (token.isEmpty() || !token.matches("[!-~]+")) {
      throw asked
          .words()
          .exception(
              Kind.INVALID_RESPONSE,
              "the token server " + realm.getHost() + " gave no token",
              null);
    }
    hide(token);
    String seconds = json.text("expires_in");
    long good = seconds.matches("[0-9]{1,9}") ? Long.parseLong(seconds) : 0;
    return new Header(
        "Bearer " + token,
        Instant.now().plusSeconds(Math.max(good, DEFAULT_SECONDS)).minus(MARGIN));
  }

  private static URI realm(Request asked, URI uri, Challenge challenge) throws IOException {
    URI realm;
    try {
      realm = new URI(challenge.parameter("realm"));
    } catch (URISyntaxException e) {
      realm = URI.create("");
    }
    boolean isPlain = "http".equalsIgnoreCase(realm.getScheme());
    if (realm.getHost() == null || !(isPlain || "https".equalsIgnoreCase(realm.getScheme()))) {
      throw asked
          .words()
          .exception(
              Kind.INVALID_RESPONSE, uri.getHost() + " names a token server that is no URL", null);
    }
    if (isPlain
        && uri.getScheme().equals("https")
        && !Endpoint.isLoopback(Endpoint.hostOf(realm))) {
      throw asked
          .words()
          .exception(
              Kind.BLOCKED,
              uri.getHost()
                  + " wants credentials to be sent to "
                  + realm.getHost()
                  + " without encryption",
              null);
    }
    return realm;
  }

  private HttpResponse<BodyStream> get(
      Request asked, URI realm, Map<String, String> parameters, @Nullable String authorization)
      throws IOException {
    Map<String, String> all = new LinkedHashMap<>(parameters);
    all.put("client_id", CLIENT);
    String query = form(all, true);
    String url = realm + (realm.getRawQuery() == null ? "?" : "&") + query;
    return retried(asked, URI.create(url), "GET", Map.of(), null, authorization);
  }

  private HttpResponse<BodyStream> post(Request asked, URI realm, Map<String, String> parameters)
      throws IOException {
    Map<String, String> all = new LinkedHashMap<>(parameters);
    all.put("client_id", CLIENT);
    return retried(
        asked,
        realm,
        "POST",
        Exchange.headers("Content-Type", "application/x-www-form-urlencoded"),
        HttpRequest.BodyPublishers.ofString(form(all, false)),
        null);
  }

  private static String form(Map<String, String> parameters, boolean splitsScope) {
    return parameters.entrySet().stream()
        .flatMap(
            // A scope of several is several parameters of that name.
            entry ->
                (splitsScope && entry.getKey().equals("scope")
                        ? List.of(entry.getValue().split(" "))
                        : List.of(entry.getValue()))
                    .stream().map(value -> entry.getKey() + "=" + URLEncoder.encode(value, UTF_8)))
        .collect(Collectors.joining("&"));
  }

  private HttpResponse<BodyStream> retried(
      Request asked,
      URI uri,
      String method,
      Map<String, String> headers,
      HttpRequest.@Nullable BodyPublisher body,
      @Nullable String authorization)
      throws IOException {
    Attempts attempts = new Attempts(exchange.options(), asked.words());
    while (true) {
      try {
        HttpResponse<BodyStream> response =
            exchange.send(uri, method, headers, body, authorization);
        if (!Exchange.isForTheMoment(response.statusCode())) {
          return response;
        }
        attempts.failed(response.statusCode(), response.headers(), exchange.said(response));
      } catch (LayerStoreException e) {
        throw e;
      } catch (IOException e) {
        attempts.failed(e);
      }
    }
  }

  private IOException refused(
      Request asked, URI realm, HttpResponse<BodyStream> response, RegistryCredentials known) {
    int status = response.statusCode();
    String said = exchange.said(response);
    Kind kind =
        switch (status) {
          case 400, 401 -> Kind.UNAUTHORIZED;
          case 403 -> Kind.DENIED;
          default -> Kind.INVALID_RESPONSE;
        };
    return asked
        .words()
        .exception(
            kind,
            "the token server "
                + realm.getHost()
                + " answered "
                + status
                + (said.isEmpty() ? "" : " (" + said + ")")
                + (kind == Kind.UNAUTHORIZED
                    ? known.isAnonymous()
                        ? "; log in first"
                        : "; the credentials are not accepted: log in again"
                    : ""),
            null);
  }
}
