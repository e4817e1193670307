package io.layerstore.registry;

import io.layerstore.LayerStoreException;
import io.layerstore.RegistryException;
import io.layerstore.RegistryOptions;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP clients of one conversation, one for each host. What is under way when they are closed
 * fails at once. Safe for use by many threads.
 */
final class Clients implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Clients.class);
  private static final AtomicInteger number = new AtomicInteger();

  private final RegistryOptions options;
  private final Machine machine;
  private final Proxies proxies;
  private final ExecutorService executor =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          60,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          Clients::thread,
          // After the end: what tells the last requests how they went is short, and must be done.
          (task, ended) -> task.run());
  private final Map<String, HttpClient> clients = new ConcurrentHashMap<>();

  /** Requests whose answers have not begun, by their numbers. */
  private final Map<Integer, CompletableFuture<HttpResponse<BodyStream>>> asked =
      new ConcurrentHashMap<>();

  private final AtomicInteger requests = new AtomicInteger();

  /** Bodies of answers that have not come to their end. */
  private final Set<BodyStream> open = ConcurrentHashMap.newKeySet();

  private volatile boolean isClosed;

  Clients(RegistryOptions options, Machine machine) {
    this.options = options;
    this.machine = machine;
    this.proxies = new Proxies(options.environment());
  }

  private static Thread thread(Runnable task) {
    Thread thread = new Thread(task, "layerstore-http-" + number.incrementAndGet());
    thread.setDaemon(true);
    return thread;
  }

  /**
   * Sends a request. The answer is {@linkplain CompletableFuture#cancel cancelled} if this is
   * closed before it begins; its body fails then, too.
   */
  CompletableFuture<HttpResponse<BodyStream>> send(HttpRequest sent) throws IOException {
    if (isClosed) {
      throw ended(null);
    }
    CompletableFuture<HttpResponse<BodyStream>> answer =
        of(sent.uri()).sendAsync(sent, info -> BodyStream.among(open, options.idleTimeout()));
    int request = requests.incrementAndGet();
    asked.put(request, answer);
    CompletableFuture<?> unused = answer.whenComplete((response, failure) -> asked.remove(request));
    if (isClosed) {
      endAll();
    }
    return answer;
  }

  /** What to throw for what failed because this was closed. */
  static LayerStoreException ended(@Nullable Throwable cause) {
    return new LayerStoreException("the conversation with the registry was ended", cause);
  }

  private void endAll() {
    asked.values().forEach(answer -> answer.cancel(true));
    open.forEach(BodyStream::abandon);
  }

  /** Whether a host may be talked to without proof of who it is. */
  boolean isInsecure(String host) {
    return machine.isInsecure(host);
  }

  /** The client for a URL. */
  private HttpClient of(URI uri) throws IOException {
    String origin = Endpoint.origin(uri);
    HttpClient known = clients.get(origin);
    if (known != null) {
      return known;
    }
    synchronized (clients) {
      HttpClient client = clients.get(origin);
      if (client == null) {
        client = make(uri);
        clients.put(origin, client);
      }
      return client;
    }
  }

  /** What to show to the proxy for a URL; null for nothing. */
  @Nullable String proxyAuthorization(URI uri) {
    return proxies.authorization(uri);
  }

  private HttpClient make(URI uri) throws IOException {
    String host = Endpoint.hostOf(uri);
    boolean isEncrypted = uri.getScheme().equals("https");
    if (isEncrypted && proxies.authorization(uri) != null && !Proxies.mayAuthorizeTunnels()) {
      throw new RegistryException(
          RegistryException.Kind.BLOCKED,
          host,
          host,
          "the proxy for "
              + host
              + " wants a password, which Java keeps to itself unless it is started with -D"
              + Proxies.TUNNEL_PROPERTY
              + "=",
          null);
    }
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .executor(executor)
            .connectTimeout(options.connectTimeout())
            .followRedirects(HttpClient.Redirect.NEVER)
            // Over HTTP/2 a server may send 16 MiB of each blob before anybody reads them, all lost
            // when the process dies; and many large answers in one connection are slower.
            .version(HttpClient.Version.HTTP_1_1)
            .proxy(proxies);
    if (isEncrypted) {
      Certificates.contextFor(host, machine.certificateDirectories(host), isInsecure(host))
          .ifPresent(builder::sslContext);
    }
    return builder.build();
  }

  /** Ends what is under way, and lets go of connections and threads. */
  @Override
  public void close() {
    isClosed = true;
    endAll();
    clients.values().forEach(Clients::end);
    clients.clear();
    executor.shutdown();
  }

  /** From JDK 21 on a client can be ended; before, it ends when nobody holds it any more. */
  private static void end(HttpClient client) {
    try {
      HttpClient.class.getMethod("shutdownNow").invoke(client);
    } catch (NoSuchMethodException e) {
      log.trace("left to the garbage collector", e);
    } catch (ReflectiveOperationException e) {
      log.debug("the HTTP client could not be ended", e);
    }
  }
}
