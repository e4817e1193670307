package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import io.layerstore.RegistryException;
import io.layerstore.RegistryException.Kind;
import io.layerstore.RegistryOptions;
import io.layerstore.registry.Attempts.Words;
import io.layerstore.registry.Exchange.Answer;
import io.layerstore.registry.Exchange.Request;
import io.layerstore.spi.RegistryProvider;
import io.layerstore.spi.RegistryRepository;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A repository, reached through HTTP. What is read is asked of mirrors first. */
final class HttpRepository implements RegistryRepository {

  private static final Logger log = LoggerFactory.getLogger(HttpRepository.class);

  static final String ACCEPTED =
      String.join(
          ", ",
          "application/vnd.oci.image.index.v1+json",
          "application/vnd.oci.image.manifest.v1+json",
          "application/vnd.docker.distribution.manifest.list.v2+json",
          "application/vnd.docker.distribution.manifest.v2+json",
          "application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.5",
          "*/*;q=0.1");

  private static final int MAX_LIST_BYTES = 16 << 20;
  private static final int MAX_PAGES = 10_000;
  private static final int MAX_TAGS = 1_000_000;
  private static final int SMALL = 64 << 10;
  private static final Pattern NEXT = Pattern.compile("<([^>]+)>\\s*;.*rel=\"?next\"?.*");

  private final ImageReference reference;
  private final List<Endpoint> endpoints;
  private final boolean pushes;
  private final Exchange exchange;

  HttpRepository(ImageReference reference, RegistryProvider.Access access, RegistryOptions options)
      throws LayerStoreException {
    this.reference = reference;
    this.pushes = access == RegistryProvider.Access.PUSH;
    Machine machine = Machine.of(options);
    this.endpoints = machine.endpoints(reference, !pushes);
    this.exchange =
        new Exchange(
            options,
            new Clients(options, machine),
            new CredentialStore(reference.domain(), options));
  }

  Exchange exchange() {
    return exchange;
  }

  Endpoint registry() {
    return endpoints.get(endpoints.size() - 1);
  }

  /** Something that can be asked of each endpoint. */
  @FunctionalInterface
  private interface Question<T> {
    T ask(Endpoint endpoint) throws IOException;
  }

  /** The answer of the first endpoint that has one. */
  private <T> T first(Question<T> question) throws LayerStoreException {
    RegistryException earlier = null;
    for (Endpoint endpoint : endpoints) {
      try {
        return question.ask(endpoint);
      } catch (RegistryException e) {
        if (!endpoint.isMirror()) {
          if (earlier != null) {
            e.addSuppressed(earlier);
          }
          throw e;
        }
        log.debug("the mirror {} does not help; asking the next", endpoint.host(), e);
        earlier = e;
      } catch (LayerStoreException e) {
        throw e;
      } catch (IOException e) {
        Attempts.checkInterrupt(e);
        throw words("the request").exception(Kind.UNREACHABLE, Attempts.describe(e), e);
      }
    }
    throw new IllegalStateException("the last endpoint is no mirror");
  }

  Words words(String what) {
    return new Words(reference.domain(), reference.toString(), what);
  }

  private String scope(Endpoint endpoint) {
    return "repository:" + endpoint.repository() + (pushes ? ":pull,push" : ":pull");
  }

  Request request(String method, Endpoint endpoint, String path, String what) {
    return Request.of(method, endpoint, endpoint.repository() + path, scope(endpoint), words(what));
  }

  @Override
  public Manifest manifest(ImageReference asked) throws LayerStoreException {
    return first(endpoint -> manifest(endpoint, asked));
  }

  private Manifest manifest(Endpoint endpoint, ImageReference asked) throws IOException {
    String name =
        asked.digest().map(Digest::toString).or(asked::tag).orElse(ImageReference.DEFAULT_TAG);
    Words words =
        new Words(reference.domain(), asked.toString(), "fetching the manifest of " + asked);
    Answer answer =
        exchange.ask(
            Request.of(
                    "GET",
                    endpoint,
                    endpoint.repository() + "/manifests/" + name,
                    scope(endpoint),
                    words)
                .with("Accept", ACCEPTED),
            MAX_MANIFEST_BYTES,
            200);
    Digest expected = expected(asked, answer);
    Digest.Algorithm algorithm = expected == null ? Digest.Algorithm.SHA256 : expected.algorithm();
    Digest actual =
        new Digest(
            algorithm,
            HexFormat.of().formatHex(algorithm.newMessageDigest().digest(answer.bytes())));
    if (expected != null && !expected.equals(actual)) {
      throw words.exception(
          Kind.WRONG_DIGEST,
          "it has the digest "
              + actual
              + " and not "
              + expected
              + "; the registry is damaged, or something on the way to it",
          null);
    }
    String type =
        answer.headers().firstValue("Content-Type").orElse("").replaceFirst(";.*", "").strip();
    return new Manifest(Descriptor.of(type, answer.bytes().length, actual), answer.bytes());
  }

  private static @org.jspecify.annotations.Nullable Digest expected(
      ImageReference asked, Answer answer) {
    if (asked.digest().isPresent()) {
      return asked.digest().get();
    }
    String said = answer.headers().firstValue("Docker-Content-Digest").orElse("");
    try {
      return said.isEmpty() ? null : Digest.parse(said);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  @Override
  public List<String> tags() throws LayerStoreException {
    return first(this::tags);
  }

  private List<String> tags(Endpoint endpoint) throws IOException {
    TreeSet<String> tags = new TreeSet<>();
    Set<String> pages = new HashSet<>();
    String what = "listing the tags of " + reference.repository();
    Request next = request("GET", endpoint, "/tags/list?n=1000", what);
    while (pages.add(next.location()) && pages.size() <= MAX_PAGES && tags.size() < MAX_TAGS) {
      Answer answer = exchange.ask(next, MAX_LIST_BYTES, 200);
      for (Json tag : Json.parseOrEmpty(answer.bytes()).get("tags").elements()) {
        tags.add(tag.text());
      }
      Matcher link = NEXT.matcher(answer.headers().firstValue("Link").orElse(""));
      if (!link.matches()) {
        return List.copyOf(tags);
      }
      next =
          Request.of(
              "GET",
              endpoint,
              location(answer.uri(), link.group(1), words(what)),
              scope(endpoint),
              words(what));
    }
    throw words(what).exception(Kind.TOO_LARGE, "there is no end to the list", null);
  }

  /** A URL that an answer gave, whole. */
  static String location(URI from, String text, Words words) throws RegistryException {
    try {
      URI location = from.resolve(URI.create(text));
      // A registry that does not know that it stands behind TLS.
      if ("http".equals(location.getScheme())
          && from.getScheme().equals("https")
          && String.valueOf(location.getHost()).equals(from.getHost())) {
        return "https" + location.toString().substring("http".length());
      }
      if (location.getHost() == null || text.isEmpty()) {
        throw new IllegalArgumentException("no host");
      }
      return location.toString();
    } catch (IllegalArgumentException e) {
      throw words.exception(Kind.INVALID_RESPONSE, "the registry gave no URL to go on with", null);
    }
  }

  @Override
  public OptionalLong blobSize(Digest digest) throws LayerStoreException {
    return first(
        endpoint -> {
          Answer answer =
              exchange.ask(
                  request("HEAD", endpoint, "/blobs/" + digest, "looking for the blob " + digest),
                  SMALL,
                  200,
                  404);
          return answer.status() == 200
              ? answer.headers().firstValueAsLong("Content-Length")
              : OptionalLong.empty();
        });
  }

  @Override
  public InputStream blob(Descriptor blob, long offset) throws LayerStoreException {
    return new BlobBody(this, endpoints, blob, offset);
  }

  @Override
  public boolean mount(Digest digest, String repository) throws LayerStoreException {
    Endpoint endpoint = registry();
    String what = "taking the blob " + digest + " from " + repository;
    Request request =
        Request.of(
            "POST",
            endpoint,
            endpoint.repository()
                + "/blobs/uploads/?mount="
                + URLEncoder.encode(digest.toString(), UTF_8)
                + "&from="
                + URLEncoder.encode(repository, UTF_8),
            scope(endpoint) + " repository:" + repository + ":pull",
            words(what));
    try {
      Answer answer = exchange.ask(request, SMALL, 201, 202);
      if (answer.status() == 202) {
        cancel(endpoint, answer, what);
      }
      return answer.status() == 201;
    } catch (RegistryException e) {
      log.debug("{} failed, so it is sent", what, e);
      return false;
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw words(what).exception(Kind.UNREACHABLE, Attempts.describe(e), e);
    }
  }

  /** Gives up an upload that the registry began in place of a mount. */
  private void cancel(Endpoint endpoint, Answer begun, String what) throws IOException {
    try {
      String location =
          location(begun.uri(), begun.headers().firstValue("Location").orElse(""), words(what));
      exchange
          .sendOnce(Request.of("DELETE", endpoint, location, scope(endpoint), words(what)))
          .body()
          .close();
    } catch (RegistryException e) {
      log.debug("an upload that is not needed stays until the registry gives it up", e);
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      Attempts.checkInterrupt(e);
      log.debug("an upload that is not needed stays until the registry gives it up", e);
    }
  }

  @Override
  public Descriptor upload(String mediaType, Content content) throws IOException {
    return new Upload(this, registry(), mediaType, content).run();
  }

  @Override
  public void put(ImageReference target, Manifest manifest) throws LayerStoreException {
    String name =
        target.digest().map(Digest::toString).or(target::tag).orElse(ImageReference.DEFAULT_TAG);
    Endpoint endpoint = registry();
    Request request =
        new Request(
            "PUT",
            endpoint,
            endpoint.repository() + "/manifests/" + name,
            scope(endpoint),
            Map.of("Content-Type", manifest.descriptor().mediaType()),
            HttpRequest.BodyPublishers.ofByteArray(manifest.bytes()),
            new Words(reference.domain(), target.toString(), "pushing the manifest of " + target));
    first(ignored -> exchange.ask(request, SMALL, 200, 201, 202));
  }

  @Override
  public void close() {
    exchange.close();
  }
}
