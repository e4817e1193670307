package io.layerstore.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import io.layerstore.RegistryException;
import io.layerstore.RegistryOptions;
import java.io.IOException;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How a machine is set up for registries. */
final class MachineTest {

  @TempDir private Path directory;

  private void write(String file, String content) throws IOException {
    Path path = directory.resolve("etc").resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, content);
  }

  private Machine machine() throws LayerStoreException {
    return Machine.of(
        RegistryOptions.builder()
            .environment(Map.of("HOME", directory.resolve("home").toString()))
            .systemDirectory(directory.resolve("etc"))
            .build());
  }

  private List<String> endpoints(String reference, boolean pulls) throws LayerStoreException {
    return machine().endpoints(ImageReference.parse(reference), pulls).stream()
        .map(
            endpoint ->
                endpoint.schemes().get(0)
                    + "://"
                    + endpoint.host()
                    + endpoint.path()
                    + "/"
                    + endpoint.repository())
        .toList();
  }

  @Test
  void endpoints_nothingSetUp_isTheRegistry() throws Exception {
    assertEquals(
        List.of("https://registry.example.com/team/tool"),
        endpoints("registry.example.com/team/tool:1", true));
    assertEquals(List.of("https://registry-1.docker.io/library/debian"), endpoints("debian", true));
    assertEquals(List.of("http://127.0.0.1:5000/tool"), endpoints("127.0.0.1:5000/tool", true));
  }

  @Test
  void endpoints_mirrors_comeFirstForPullsAlone() throws Exception {
    write(
        "containers/registries.conf",
        """
        unqualified-search-registries = ["example.com"] # not looked at

        [[registry]]
        prefix = "example.com/team"
        location = "internal.example.com/moved"

        [[registry.mirror]]
        location = "mirror.example.com:5000/copies"
        insecure = true

        [[registry.mirror]]
        location = "digests.example.com"
        pull-from-mirror = "digest-only"
        """);
    assertEquals(
        List.of(
            "https://mirror.example.com:5000/copies/tool",
            "https://internal.example.com/moved/tool"),
        endpoints("example.com/team/tool:1", true));
    assertEquals(
        List.of("https://internal.example.com/moved/tool"),
        endpoints("example.com/team/tool:1", false));
    assertEquals(
        List.of("https://example.com/other/tool"), endpoints("example.com/other/tool:1", true));
    assertTrue(machine().isInsecure("mirror.example.com:5000"));
    assertFalse(machine().isInsecure("internal.example.com"));
  }

  @Test
  void endpoints_dockersMirrors_areForDockersRegistry() throws Exception {
    write(
        "docker/daemon.json",
        "{\"registry-mirrors\":[\"https://mirror.example.com/hub/\"],\"insecure-registries\":[\"10.0.0.0/8\",\"old:5000\"]}");
    assertEquals(
        List.of(
            "https://mirror.example.com/hub/library/debian",
            "https://registry-1.docker.io/library/debian"),
        endpoints("debian", true));
    assertTrue(machine().isInsecure("10.1.2.3:5000"));
    assertFalse(machine().isInsecure("11.1.2.3:5000"));
    assertTrue(machine().isInsecure("old:5000"));
  }

  @Test
  void endpoints_blocked_areRefused() throws Exception {
    write("containers/registries.conf", "[[registry]]\nlocation='bad.example.com'\nblocked=true\n");
    RegistryException e =
        assertThrows(RegistryException.class, () -> endpoints("bad.example.com/x:1", true));
    assertEquals(RegistryException.Kind.BLOCKED, e.kind());
  }

  @Test
  void endpoints_dropIns_count() throws Exception {
    write("containers/registries.conf", "");
    write(
        "containers/registries.conf.d/10-a.conf",
        "[[registry]]\nprefix=\"*.example.com\"\nblocked=true\n");
    assertThrows(RegistryException.class, () -> endpoints("any.example.com/x:1", true));
    assertEquals(List.of("https://example.org/x"), endpoints("example.org/x:1", true));
  }

  @Test
  void endpoints_oldForm_counts() throws Exception {
    write(
        "containers/registries.conf",
        "[registries.insecure]\nregistries = ['old.example.com',\n 'other:1']\n[registries.block]\nregistries=[\"bad.example.com\"]\n");
    assertTrue(machine().isInsecure("old.example.com"));
    assertThrows(RegistryException.class, () -> endpoints("bad.example.com/x:1", true));
  }

  @Test
  void endpoints_damagedFile_isNamedWithTheLine() throws Exception {
    write("containers/registries.conf", "# fine\n[[registry]\n");
    LayerStoreException e =
        assertThrows(LayerStoreException.class, () -> endpoints("example.com/x:1", true));
    assertTrue(e.getMessage().contains("registries.conf"), e.getMessage());
    assertTrue(e.getMessage().contains("line 2"), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "https://registry.example.com/, proxy.example.com:3128",
    "https://inside.example.org/, -",
    "https://deep.inside.example.org/, -",
    "https://notinside.example.org/, proxy.example.com:3128",
    "http://registry.example.com/, plain.example.com:8080",
    "http://127.0.0.1:5000/, -",
    "https://10.1.2.3:5000/, -",
    "https://11.1.2.3:5000/, proxy.example.com:3128",
    "https://[fd00::1]:5000/, -",
    "https://[fe80::1]/, proxy.example.com:3128",
    "http://localhost/, -"
  })
  void proxies_ofTheEnvironment_areChosenByHost(String url, String proxy) {
    Proxies proxies =
        new Proxies(
            Map.of(
                "HTTPS_PROXY", "http://proxy.example.com:3128",
                "http_proxy", "plain.example.com",
                "NO_PROXY", "localhost, .inside.example.org, 10.0.0.0/8, fd00::/8"));
    Proxy chosen = proxies.select(URI.create(url)).get(0);
    assertEquals(
        proxy,
        chosen.type() == Proxy.Type.DIRECT
            ? "-"
            : chosen.address().toString().replaceFirst("/.*:", ":"));
  }

  @Test
  void challenges_severalInOneHeader_areAllRead() {
    List<Challenge> challenges =
        Challenge.parse(
            List.of(
                "Bearer realm=\"https://a/token\",service=\"s \\\"q\\\"\", scope=\"a,b\", Basic realm=\"x\""));
    assertEquals(List.of("bearer", "basic"), challenges.stream().map(Challenge::scheme).toList());
    assertEquals("s \"q\"", challenges.get(0).parameter("service"));
    assertEquals("a,b", challenges.get(0).parameter("scope"));
    assertEquals("x", challenges.get(1).parameter("realm"));
  }
}
