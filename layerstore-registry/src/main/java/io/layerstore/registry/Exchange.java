package io.layerstore.registry;

import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.RegistryException;
import io.layerstore.RegistryException.Kind;
import io.layerstore.RegistryOptions;
import io.layerstore.registry.Attempts.Words;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Requests to registries: follows redirects by hand, shows credentials where they belong and
 * nowhere else, and tries again what failed for the moment. Safe for use by many threads.
 */
final class Exchange implements AutoCloseable {

  private static final int MAX_REDIRECTS = 10;
  private static final int MAX_ERROR_BYTES = 64 << 10;
  private static final int MAX_SAID = 300;
  private static final int UNAUTHORIZED = 401;
  private static final int PROXY_UNAUTHORIZED = 407;

  /** There is somebody else to ask. */
  private static final int MIRROR_RETRIES = 1;

  private static final String USER_AGENT = "layerstore";

  private final RegistryOptions options;
  private final Clients clients;
  private final Authorizer authorizer;

  /** Which scheme an endpoint speaks. */
  private final Map<Endpoint, String> schemes = new ConcurrentHashMap<>();

  /**
   * One request.
   *
   * @param method GET, HEAD, POST, PATCH or PUT
   * @param endpoint whom it is for
   * @param location a path below {@code /v2/}, or a whole URL that the endpoint gave
   * @param scope what is to be allowed, as in {@link Authorizer#header}
   * @param headers further headers
   * @param body what to send
   * @param words for errors
   */
  record Request(
      String method,
      Endpoint endpoint,
      String location,
      String scope,
      Map<String, String> headers,
      HttpRequest.@Nullable BodyPublisher body,
      Words words) {

    static Request of(
        String method, Endpoint endpoint, String location, String scope, Words words) {
      return new Request(method, endpoint, location, scope, Map.of(), null, words);
    }

    Request with(String name, String value) {
      Map<String, String> more = new LinkedHashMap<>(headers);
      more.put(name, value);
      return new Request(method, endpoint, location, scope, more, body, words);
    }

    Request sending(HttpRequest.BodyPublisher publisher) {
      return new Request(method, endpoint, location, scope, headers, publisher, words);
    }
  }

  Exchange(RegistryOptions options, Clients clients, CredentialStore credentials) {
    this.options = options;
    this.clients = clients;
    this.authorizer = new Authorizer(this, credentials);
  }

  RegistryOptions options() {
    return options;
  }

  Authorizer authorizer() {
    return authorizer;
  }

  /**
   * An answer whose body is small.
   *
   * @param uri where it came from
   */
  @SuppressWarnings("ArrayRecordComponent") // Handed on, never compared.
  record Answer(URI uri, int status, HttpHeaders headers, byte[] bytes) {}

  /**
   * Sends a request until there is an answer that stays.
   *
   * @param maxBytes as large as its body may be
   * @param accepted the status codes that the caller understands
   * @throws RegistryException if it has another one, or there is none
   */
  Answer ask(Request request, int maxBytes, Integer... accepted) throws IOException {
    Attempts attempts = attempts(request);
    while (true) {
      try {
        HttpResponse<BodyStream> response = sendOnce(request);
        int status = response.statusCode();
        if (Arrays.asList(accepted).contains(status)) {
          if (request.method().equals("HEAD")) {
            response.body().close();
            return new Answer(response.uri(), status, response.headers(), new byte[0]);
          }
          byte[] bytes = bytes(response, maxBytes, request.words());
          return new Answer(response.uri(), status, response.headers(), bytes);
        }
        if (!isForTheMoment(status)) {
          throw failure(request, response);
        }
        attempts.failed(status, response.headers(), said(response));
      } catch (LayerStoreException e) {
        throw e;
      } catch (IOException e) {
        attempts.failed(e);
      }
    }
  }

  Attempts attempts(Request request) {
    return new Attempts(
        request.endpoint().isMirror()
            ? options.toBuilder().retries(Math.min(options.retries(), MIRROR_RETRIES)).build()
            : options,
        request.words());
  }

  static boolean isForTheMoment(int status) {
    return status == 429 || status == 408 || (status >= 500 && status != 501 && status != 505);
  }

  /** Sends a request once, redirects and credentials included. */
  HttpResponse<BodyStream> sendOnce(Request request) throws IOException {
    URI first = uri(request);
    URI own = request.endpoint().uri(scheme(request.endpoint()), "");
    URI uri = first;
    boolean isChallenged = false;
    for (int redirects = 0; redirects <= MAX_REDIRECTS; ) {
      boolean isOwn = Endpoint.isSameOrigin(own, uri);
      String authorization = isOwn ? authorizer.header(request.endpoint(), request.scope()) : null;
      HttpResponse<BodyStream> response =
          send(uri, request.method(), request.headers(), request.body(), authorization);
      int status = response.statusCode();
      if (status == UNAUTHORIZED && isOwn && !isChallenged) {
        isChallenged = true;
        response.body().close();
        if (authorizer.answer(
            request, own, authorization, response.headers().allValues("WWW-Authenticate"))) {
          continue;
        }
        return response;
      }
      if (!isRedirect(status)) {
        return response;
      }
      response.body().close();
      uri = next(request, uri, response);
      authorizer.hideQuery(uri);
      redirects++;
    }
    throw request
        .words()
        .exception(
            Kind.INVALID_RESPONSE, "the redirects of " + first.getHost() + " do not end", null);
  }

  private static boolean isRedirect(int status) {
    return Set.of(301, 302, 303, 307, 308).contains(status);
  }

  private URI next(Request request, URI uri, HttpResponse<BodyStream> response)
      throws RegistryException {
    String location = response.headers().firstValue("Location").orElse("");
    URI next;
    try {
      next = uri.resolve(new URI(location));
    } catch (URISyntaxException | IllegalArgumentException e) {
      throw invalidRedirect(request, uri);
    }
    String scheme = String.valueOf(next.getScheme()).toLowerCase(Locale.ROOT);
    if (location.isEmpty()
        || next.getHost() == null
        || !(scheme.equals("http") || scheme.equals("https"))) {
      throw invalidRedirect(request, uri);
    }
    if (scheme.equals("http")
        && uri.getScheme().equals("https")
        && !Endpoint.isLoopback(Endpoint.hostOf(next))
        && !clients.isInsecure(Endpoint.hostOf(next))) {
      throw request
          .words()
          .exception(
              Kind.BLOCKED,
              uri.getHost()
                  + " redirects to "
                  + next.getHost()
                  + " without encryption; name that host as insecure if this is meant",
              null);
    }
    return next;
  }

  private static RegistryException invalidRedirect(Request request, URI uri) {
    return request
        .words()
        .exception(
            Kind.INVALID_RESPONSE, uri.getHost() + " redirects to what is no URL of HTTP", null);
  }

  private URI uri(Request request) throws IOException {
    if (request.location().startsWith("http://") || request.location().startsWith("https://")) {
      URI given = URI.create(request.location());
      authorizer.hideQuery(given);
      return given;
    }
    return request.endpoint().uri(scheme(request.endpoint()), request.location());
  }

  /** The scheme that an endpoint speaks, found out by asking where there is a choice. */
  private String scheme(Endpoint endpoint) throws IOException {
    List<String> choice = endpoint.schemes();
    String known = choice.size() == 1 ? choice.get(0) : schemes.get(endpoint);
    if (known != null) {
      return known;
    }
    IOException failure = new ConnectException("nobody answers at " + endpoint.host());
    for (String scheme : choice) {
      try {
        HttpResponse<BodyStream> response =
            send(endpoint.uri(scheme, ""), "GET", Map.of(), null, null);
        response.body().close();
        // What servers say who are asked for HTTP where they speak TLS.
        if (response.statusCode() != 400) {
          schemes.put(endpoint, scheme);
          return scheme;
        }
      } catch (OperationInterruptedException e) {
        throw e;
      } catch (IOException e) {
        failure = e;
      }
    }
    throw failure;
  }

  /**
   * Begins to send a request whose body is written meanwhile; no redirects, no second attempt. The
   * credentials are those that an earlier request of that scope has needed.
   */
  CompletableFuture<HttpResponse<BodyStream>> begin(Request request) throws IOException {
    URI uri = uri(request);
    boolean isOwn =
        Endpoint.isSameOrigin(request.endpoint().uri(scheme(request.endpoint()), ""), uri);
    String authorization = isOwn ? authorizer.header(request.endpoint(), request.scope()) : null;
    HttpRequest.Builder builder = builder(uri, request.headers(), authorization);
    HttpRequest.BodyPublisher body = request.body();
    builder.method(request.method(), body == null ? HttpRequest.BodyPublishers.noBody() : body);
    return clients.send(builder.build());
  }

  private HttpRequest.Builder builder(
      URI uri, Map<String, String> headers, @Nullable String authorization) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(uri).header("User-Agent", USER_AGENT);
    headers.forEach(builder::header);
    if (authorization != null) {
      builder.header("Authorization", authorization);
    }
    String forProxy = clients.proxyAuthorization(uri);
    if (forProxy != null) {
      authorizer.hide(forProxy.substring(forProxy.indexOf(' ') + 1));
      builder.header("Proxy-Authorization", forProxy);
    }
    return builder;
  }

  /** Sends one request to one URL. */
  HttpResponse<BodyStream> send(
      URI uri,
      String method,
      Map<String, String> headers,
      HttpRequest.@Nullable BodyPublisher body,
      @Nullable String authorization)
      throws IOException {
    HttpRequest.Builder builder = builder(uri, headers, authorization);
    builder.method(method, body == null ? HttpRequest.BodyPublishers.noBody() : body);
    builder.timeout(options.requestTimeout());
    return await(clients.send(builder.build()));
  }

  private static HttpResponse<BodyStream> await(CompletableFuture<HttpResponse<BodyStream>> answer)
      throws IOException {
    try {
      return answer.get();
    } catch (InterruptedException e) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new OperationInterruptedException("talking to a registry", e);
    } catch (CancellationException e) {
      throw Clients.ended(e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      Attempts.checkInterrupt(cause);
      throw cause instanceof IOException io ? io : new IOException(cause);
    }
  }

  /** The whole body of an answer, which is closed. */
  static byte[] bytes(HttpResponse<BodyStream> response, int maxBytes, Words words)
      throws IOException {
    try (BodyStream body = response.body()) {
      long length = response.headers().firstValueAsLong("Content-Length").orElse(0);
      byte[] bytes = length > maxBytes ? new byte[0] : body.readNBytes(maxBytes + 1);
      if (length > maxBytes || bytes.length > maxBytes) {
        throw words.exception(
            Kind.TOO_LARGE, "the answer has more than " + maxBytes + " bytes", null);
      }
      return bytes;
    }
  }

  /** What an answer that is a failure says, in one line, without anything secret. */
  String said(HttpResponse<BodyStream> response) {
    byte[] bytes;
    try (BodyStream body = response.body()) {
      bytes = body.readNBytes(MAX_ERROR_BYTES);
    } catch (IOException e) {
      return "";
    }
    StringBuilder said = new StringBuilder();
    for (Json error : Json.parseOrEmpty(bytes).get("errors").elements()) {
      said.append(said.length() == 0 ? "" : "; ").append(error.text("code"));
      String message = error.text("message");
      said.append(message.isEmpty() ? "" : ": ").append(message);
    }
    return authorizer.redacted(printable(said.toString()));
  }

  private static String printable(String text) {
    String clean = text.replaceAll("\\p{Cntrl}|\\p{Cf}", " ").strip();
    return clean.length() > MAX_SAID ? clean.substring(0, MAX_SAID) + "..." : clean;
  }

  /** What to throw for an answer that is a failure and stays. */
  RegistryException failure(Request request, HttpResponse<BodyStream> response) {
    int status = response.statusCode();
    String said = said(response);
    String problem =
        request.endpoint().host()
            + " answered "
            + status
            + (said.isEmpty() ? "" : " (" + said + ")");
    Words words = request.words();
    if (status == UNAUTHORIZED) {
      return words.exception(
          Kind.UNAUTHORIZED,
          problem
              + (authorizer.hasCredentials(request.endpoint())
                  ? "; the credentials are not accepted: log in again"
                  : "; log in first, or there is no such repository"),
          null);
    }
    if (status == PROXY_UNAUTHORIZED) {
      return words.exception(
          Kind.UNAUTHORIZED,
          "the proxy for "
              + request.endpoint().host()
              + " wants a user and a password, or others than it was given; put them into the URL"
              + " of the proxy: http://USER:PASSWORD@HOST:PORT",
          null);
    }
    Kind kind =
        switch (status) {
          case 403 -> Kind.DENIED;
          case 404, 410 -> Kind.NOT_FOUND;
          case 400, 405, 409, 411, 412, 413, 415, 422 ->
              request.method().equals("GET") || request.method().equals("HEAD")
                  ? Kind.INVALID_RESPONSE
                  : Kind.REJECTED;
          default -> Kind.INVALID_RESPONSE;
        };
    return words.exception(kind, problem, null);
  }

  /** Ends everything that is under way. */
  @Override
  public void close() {
    clients.close();
  }

  /** Headers of one. */
  static Map<String, String> headers(String name, String value) {
    Map<String, String> headers = new HashMap<>();
    headers.put(name, value);
    return headers;
  }
}
