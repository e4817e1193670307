package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.layerstore.Durability;
import io.layerstore.ImageReference;
import io.layerstore.ImportOptions;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.PullOptions;
import io.layerstore.PushOptions;
import io.layerstore.RegistryCredentials;
import io.layerstore.RegistryException;
import io.layerstore.RegistryException.Kind;
import io.layerstore.RegistryOptions;
import io.layerstore.testing.DockerRegistry;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.interfaces.RSAPrivateKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Docker's registry with encryption, users, and a token server. */
final class SecureRegistryTest {

  private static final String PASSWORD = "the-password-nobody-sees";

  /** Of that password, as htpasswd -B writes it. */
  private static final String HASH = "$2b$04$JXzWId4DglDhq9qHVrGY5.EvgAwv2rM1ocWgJ65n2LU.v8eeMxpp6";

  @TempDir private Path directory;
  private LayerStore store;
  private String id;
  private DockerRegistry registry;
  private HttpServer tokens;
  private final List<String> askedFor = new CopyOnWriteArrayList<>();

  @BeforeEach
  void open() throws Exception {
    store =
        LayerStore.builder(directory.resolve("store"))
            .driver("vfs")
            .durability(Durability.NONE)
            .open();
    id =
        store
            .images()
            .importRootFs(
                LayerSource.of(new TarBuilder().file("hello", "world").end().toBytes()),
                ImportOptions.builder().reference(ImageReference.parse("mine:1")).build())
            .id()
            .toString();
  }

  @AfterEach
  void end() throws Exception {
    store.close();
    if (registry != null) {
      registry.close();
    }
    if (tokens != null) {
      tokens.stop(0);
    }
  }

  private RegistryOptions.Builder options() {
    return RegistryOptions.builder()
        .environment(Map.of())
        .systemDirectory(directory.resolve("etc"))
        .retries(1)
        .retryDelay(Duration.ofMillis(1));
  }

  private void start(String http, String top) throws Exception {
    registry =
        DockerRegistry.start(Files.createDirectory(directory.resolve("registry")), http, top);
  }

  private void certificate() throws Exception {
    Tool.require("openssl")
        .run(
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            directory.resolve("key.pem"),
            "-out",
            directory.resolve("cert.pem"),
            "-days",
            "2",
            "-subj",
            "/CN=test",
            "-addext",
            "subjectAltName=IP:127.0.0.1");
  }

  private String tls() {
    return "  tls:\n    certificate: %s\n    key: %s"
        .formatted(directory.resolve("cert.pem"), directory.resolve("key.pem"));
  }

  private void trust(String... names) throws IOException {
    Path certificates =
        Files.createDirectories(directory.resolve("etc/docker/certs.d/" + registry.address()));
    for (int i = 0; i < names.length; i += 2) {
      Files.copy(directory.resolve(names[i]), certificates.resolve(names[i + 1]));
    }
  }

  private ImageReference target() {
    return ImageReference.parse(registry.address() + "/some/image:1");
  }

  private void assertGoesThereAndBack(RegistryOptions options) throws Exception {
    store.images().push("mine:1", target(), PushOptions.builder().registry(options).build());
    try (LayerStore other =
        LayerStore.builder(directory.resolve("other"))
            .driver("vfs")
            .durability(Durability.NONE)
            .open()) {
      assertEquals(
          id,
          other
              .images()
              .pull(target(), PullOptions.builder().registry(options).build())
              .images()
              .get(0)
              .id()
              .toString());
      try (FileSystem files = other.images().remote(target(), options).fileSystem()) {
        assertEquals("world", Files.readString(files.getPath("/hello")));
      }
    }
  }

  private RegistryException assertRefused(Kind kind, RegistryOptions options) {
    PushOptions push = PushOptions.builder().registry(options).build();
    RegistryException e =
        assertThrows(RegistryException.class, () -> store.images().push("mine:1", target(), push));
    assertEquals(kind, e.kind(), e.getMessage());
    assertFalse(e.getMessage().contains(PASSWORD), e.getMessage());
    return e;
  }

  @Test
  void tls_ownAuthority_isTrusted() throws Exception {
    certificate();
    start(tls(), "");
    trust("cert.pem", "ca.crt");
    assertGoesThereAndBack(options().build());
  }

  @Test
  void tls_unknownAuthority_saysWhereToPutIt() throws Exception {
    certificate();
    start(tls(), "");
    assertTrue(assertRefused(Kind.UNREACHABLE, options().build()).getMessage().contains("certs.d"));
  }

  @Test
  void tls_insecureHost_isNotAskedForProof() throws Exception {
    certificate();
    start(tls(), "");
    assertGoesThereAndBack(options().insecure(registry.address()).build());
  }

  @Test
  void tls_clientCertificate_isShown() throws Exception {
    certificate();
    start(tls() + "\n    clientcas:\n      - " + directory.resolve("cert.pem"), "");
    trust("cert.pem", "ca.crt");
    assertRefused(Kind.UNREACHABLE, options().build());

    trust("cert.pem", "client.cert", "key.pem", "client.key");
    assertGoesThereAndBack(options().build());
  }

  /** A registry that speaks TLS and answers all requests in the same way; gives its address. */
  private String serve(int status, String header, String value) throws Exception {
    certificate();
    KeyStore own = KeyStore.getInstance(KeyStore.getDefaultType());
    own.load(null, null);
    own.setKeyEntry(
        "own",
        Pem.key(directory.resolve("key.pem")),
        new char[0],
        Pem.certificates(directory.resolve("cert.pem")).toArray(new Certificate[0]));
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(own, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    server.createContext(
        "/",
        exchange -> {
          exchange.getResponseHeaders().add(header, value);
          exchange.sendResponseHeaders(status, -1);
          exchange.close();
        });
    server.start();
    tokens = server;
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  private RegistryException assertPullIsBlocked(String address) {
    RegistryOptions known =
        options()
            .insecure(address)
            .credentials(RegistryCredentials.of("me", PASSWORD))
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    RegistryException e =
        assertThrows(
            RegistryException.class,
            () ->
                store
                    .images()
                    .pull(
                        ImageReference.parse(address + "/some/image:1"),
                        PullOptions.builder().registry(known).build()));
    assertEquals(Kind.BLOCKED, e.kind(), e.getMessage());
    return e;
  }

  @Test
  void tls_redirectToPlainHttp_isNotFollowed() throws Exception {
    String address = serve(307, "Location", "http://plain.invalid/v2/some/image/manifests/1");

    assertTrue(assertPullIsBlocked(address).getMessage().contains("plain.invalid"));
  }

  @Test
  void tls_tokenServerWithPlainHttp_getsNoCredentials() throws Exception {
    String address = serve(401, "WWW-Authenticate", "Bearer realm=\"http://plain.invalid/token\"");

    assertTrue(assertPullIsBlocked(address).getMessage().contains("plain.invalid"));
  }

  private void startWithUsers() throws Exception {
    Path users = Files.writeString(directory.resolve("htpasswd"), "me:" + HASH + "\n");
    start("", "auth:\n  htpasswd:\n    realm: test\n    path: " + users);
  }

  @Test
  void users_rightPassword_goesThereAndBack() throws Exception {
    startWithUsers();
    assertGoesThereAndBack(options().credentials(RegistryCredentials.of("me", PASSWORD)).build());
  }

  @Test
  void users_nobodyOrWrongPassword_isUnauthorized() throws Exception {
    startWithUsers();
    assertRefused(Kind.UNAUTHORIZED, options().build());
    assertRefused(
        Kind.UNAUTHORIZED,
        options().credentials(RegistryCredentials.of("me", PASSWORD + "x")).build());
  }

  @Test
  void login_rightPassword_isKeptAndUsed() throws Exception {
    startWithUsers();
    RegistryOptions options =
        options().environment(Map.of("HOME", directory.resolve("home").toString())).build();
    HttpRegistryProvider provider = new HttpRegistryProvider();
    assertThrows(
        RegistryException.class,
        () -> provider.login(registry.address(), RegistryCredentials.of("me", "wrong"), options));
    provider.login(registry.address(), RegistryCredentials.of("me", PASSWORD), options);

    assertGoesThereAndBack(options);
  }

  @Test
  void tokenServer_ofTheRegistry_givesTokensForWhatIsNeeded() throws Exception {
    certificate();
    tokens = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    tokens.createContext("/token", this::giveToken);
    tokens.start();
    start(
        "",
        """
        auth:
          token:
            realm: http://127.0.0.1:%d/token
            service: test
            issuer: tests
            rootcertbundle: %s
        """
            .formatted(tokens.getAddress().getPort(), directory.resolve("cert.pem")));
    RegistryOptions known = options().credentials(RegistryCredentials.of("me", PASSWORD)).build();

    assertRefused(Kind.UNAUTHORIZED, options().build());
    assertGoesThereAndBack(known);
    store
        .images()
        .push(
            "mine:1",
            ImageReference.parse(registry.address() + "/other/image:1"),
            PushOptions.builder().registry(known).build());

    assertTrue(askedFor.contains("repository:some/image:pull,push"), askedFor::toString);
    assertTrue(askedFor.contains("repository:some/image:pull"), askedFor::toString);
    assertTrue(askedFor.contains("repository:other/image:pull,push"), askedFor::toString);
  }

  private void giveToken(HttpExchange exchange) throws IOException {
    String expected =
        "Basic " + Base64.getEncoder().encodeToString(("me:" + PASSWORD).getBytes(UTF_8));
    boolean isKnown = expected.equals(exchange.getRequestHeaders().getFirst("Authorization"));
    List<String> access = new ArrayList<>();
    for (String pair : exchange.getRequestURI().getRawQuery().split("&", -1)) {
      if (pair.startsWith("scope=")) {
        String scope = URLDecoder.decode(pair.substring(6), UTF_8);
        askedFor.add(scope);
        String[] parts = scope.split(":", -1);
        access.add(
            "{\"type\":\"%s\",\"name\":\"%s\",\"actions\":[\"%s\"]}"
                .formatted(parts[0], parts[1], parts[2].replace(",", "\",\"")));
      }
    }
    byte[] body;
    try {
      body =
          isKnown
              ? ("{\"token\":\"" + token(String.join(",", access)) + "\"}").getBytes(UTF_8)
              : new byte[0];
    } catch (GeneralSecurityException e) {
      throw new IOException(e);
    }
    exchange.sendResponseHeaders(isKnown ? 200 : 401, body.length == 0 ? -1 : body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    }
  }

  private String token(String access) throws IOException, GeneralSecurityException {
    byte[] certificate = Pem.certificates(directory.resolve("cert.pem")).get(0).getEncoded();
    long now = Instant.now().getEpochSecond();
    String header =
        "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5c\":[\""
            + Base64.getEncoder().encodeToString(certificate)
            + "\"]}";
    String claims =
        "{\"iss\":\"tests\",\"sub\":\"me\",\"aud\":\"test\",\"exp\":%d,\"nbf\":%d,\"iat\":%d,\"jti\":\"1\",\"access\":[%s]}"
            .formatted(now + 300, now - 10, now, access);
    Base64.Encoder url = Base64.getUrlEncoder().withoutPadding();
    String signed =
        url.encodeToString(header.getBytes(UTF_8))
            + "."
            + url.encodeToString(claims.getBytes(UTF_8));
    Signature signature = Signature.getInstance("SHA256withRSA");
    signature.initSign((RSAPrivateKey) Pem.key(directory.resolve("key.pem")));
    signature.update(signed.getBytes(UTF_8));
    return signed + "." + url.encodeToString(signature.sign());
  }
}
