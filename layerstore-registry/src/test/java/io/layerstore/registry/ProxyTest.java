package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ImageReference;
import io.layerstore.RegistryException;
import io.layerstore.RegistryException.Kind;
import io.layerstore.RegistryOptions;
import io.layerstore.spi.RegistryProvider.Access;
import io.layerstore.spi.RegistryRepository;
import io.layerstore.testing.ChildJvm;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Registries behind a proxy that wants a password. */
final class ProxyTest {

  private static final String HOST = "registry.invalid";
  private static final ImageReference IMAGE = ImageReference.parse(HOST + "/some/image:1");
  private static final String EXPECTED =
      "Basic " + Base64.getEncoder().encodeToString("me:a:b@c".getBytes(UTF_8));

  private FakeRegistry proxy;

  @BeforeEach
  void start() throws Exception {
    proxy = FakeRegistry.start();
    proxy.misbehaveAlways(
        request -> !request.header("Proxy-Authorization").equals(EXPECTED),
        (request, out) ->
            FakeRegistry.whole(out, 407, new byte[0], "Proxy-Authenticate: Basic realm=\"r\""));
  }

  @AfterEach
  void end() throws Exception {
    proxy.close();
  }

  private static byte[] manifest(Map<String, String> environment, String... insecure)
      throws IOException {
    RegistryOptions.Builder options =
        RegistryOptions.builder()
            .environment(environment)
            .systemDirectory(Path.of("/nonexistent"))
            .retries(0)
            .retryDelay(Duration.ofMillis(1));
    List.of(insecure).forEach(options::insecure);
    try (RegistryRepository repository =
        new HttpRegistryProvider().open(IMAGE, Access.PULL, options.build())) {
      return repository.manifest(IMAGE).bytes();
    }
  }

  private Map<String, String> environment(String name, String user) {
    return Map.of(name, "http://" + user + proxy.address(), "https_proxy", "127.0.0.1:1");
  }

  @Test
  void manifest_passwordInTheEnvironment_isShownToTheProxy() throws Exception {
    proxy.addManifest("1", "{}");
    byte[] bytes = manifest(environment("http_proxy", "me:a%3Ab%40c@"), HOST);
    assertArrayEquals("{}".getBytes(UTF_8), bytes);
  }

  @Test
  void manifest_passwordInProperties_isShownToTheProxy() throws Exception {
    proxy.addManifest("1", "{}");
    String[] address = proxy.address().split(":", -1);
    Map<String, String> properties =
        Map.of(
            "http.proxyHost",
            address[0],
            "http.proxyPort",
            address[1],
            "http.proxyUser",
            "me",
            "http.proxyPassword",
            "a:b@c");
    properties.forEach(System::setProperty);
    try {
      byte[] bytes = manifest(Map.of("https_proxy", "127.0.0.1:1"), HOST);
      assertArrayEquals("{}".getBytes(UTF_8), bytes);
    } finally {
      properties.keySet().forEach(System::clearProperty);
    }
  }

  @Test
  void manifest_wrongPassword_saysSoWithoutIt() {
    RegistryException e =
        assertThrows(
            RegistryException.class,
            () -> manifest(environment("http_proxy", "me:wrong-password@"), HOST));
    assertEquals(Kind.UNAUTHORIZED, e.kind());
    assertTrue(e.getMessage().contains("the proxy"), e.getMessage());
    assertFalse(e.getMessage().contains("wrong-password"), e.getMessage());
  }

  @Test
  void manifest_encryptedAndJavaForbidsIt_namesTheProperty() {
    Map<String, String> environment = Map.of("https_proxy", "http://me:x@" + proxy.address());
    RegistryException e = assertThrows(RegistryException.class, () -> manifest(environment));
    assertEquals(Kind.BLOCKED, e.kind());
    assertTrue(e.getMessage().contains("-D" + Proxies.TUNNEL_PROPERTY + "="), e.getMessage());
  }

  @Test
  void manifest_encryptedAndJavaAllowsIt_isShownToTheProxy() throws Exception {
    ChildJvm.run(
        List.of("-D" + Proxies.TUNNEL_PROPERTY + "="),
        ProxyTest.class,
        "http://me:a%3Ab%40c@" + proxy.address());
    FakeRegistry.Request request = proxy.requests().get(0);
    assertEquals("CONNECT", request.method());
    assertEquals(EXPECTED, request.header("Proxy-Authorization"));
  }

  /** Asks through a proxy in a process with that property. */
  public static void main(String[] arguments) throws Exception {
    RegistryException e =
        assertThrows(RegistryException.class, () -> manifest(Map.of("https_proxy", arguments[0])));
    System.out.println(e.kind());
  }
}
