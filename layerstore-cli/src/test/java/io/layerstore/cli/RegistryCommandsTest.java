package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ImageId;
import io.layerstore.testing.DockerRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands about registries. */
final class RegistryCommandsTest {

  private static final String SECRET = "a-secret-nobody-sees";

  @TempDir private Path temp;

  private Cli cli(String store) {
    return new Cli(
        temp.resolve(store),
        Map.of("HOME", temp.resolve("home").toString(), "PATH", "/nonexistent"));
  }

  /** With Docker's registry, and in it the image of the demo. */
  @Nested
  final class WithRegistry {
    private DockerRegistry registry;
    private String name;
    private String id;

    @BeforeEach
    void pushSample() throws Exception {
      registry = DockerRegistry.start(Files.createDirectory(temp.resolve("registry")));
      name = registry.address() + "/some/sample:1";
      id = ImageId.of(Sample.config()).toString();
      Path archive = Files.write(temp.resolve("image.tar"), Sample.image());
      cli("one").run("load", archive.toString()).succeeded();
      cli("one").run("push", Sample.REFERENCE, name).succeeded();
    }

    @AfterEach
    void end() {
      registry.close();
    }

    @Test
    void pull_imageThatWasPushed_printsItsIdAndNames() {
      String line = cli("two").run("pull", name).succeeded().out().strip();

      assertTrue(line.startsWith(id + " " + name + " "), line);
      assertEquals(id + "\n", cli("two").run("-q", "images").succeeded().out());
    }

    @Test
    void push_again_saysThatAllIsThere() {
      List<String> lines = cli("one").run("push", Sample.REFERENCE, name).succeeded().lines();

      assertEquals(
          "0 layers sent, 0 taken from elsewhere in the registry, 3 there already", lines.get(1));
    }

    @Test
    void tags_ofARepository_areListed() {
      cli("one").run("push", Sample.REFERENCE, name.replace(":1", ":2")).succeeded();

      assertEquals(
          List.of("1", "2"),
          cli("none").run("tags", registry.address() + "/some/sample").succeeded().lines().stream()
              .toList());
    }

    @Test
    void inspectRemote_image_showsItWithoutAStore() throws IOException {
      Map<?, ?> json = cli("none").run("--json", "inspect", "--remote", name).succeeded().json();

      Map<?, ?> variant = (Map<?, ?>) ((List<?>) json.get("variants")).get(0);
      assertEquals(id, variant.get("id"));
      assertEquals("linux/amd64", variant.get("platform"));
      assertEquals(3, ((List<?>) variant.get("layers")).size());
      assertFalse(Files.exists(temp.resolve("none")));
    }

    @Test
    void copy_fromRegistryToRegistry_keepsTheDigest() throws IOException {
      String other = registry.address().replace("127.0.0.1", "localhost") + "/other/sample:1";

      String line = cli("none").run("copy", "docker://" + name, "docker://" + other).out();

      Map<?, ?> json = cli("none").run("--json", "inspect", "--remote", name).json();
      assertEquals(other + "@" + json.get("digest") + "\n", line);
    }

    @Test
    void copy_toALayoutAndIntoAStore_isTheSameImage() {
      String layout = "oci:" + temp.resolve("layout") + "/";

      cli("none").run("copy", "docker://" + name, layout).succeeded();

      assertEquals(
          id + " copied:1\n", cli("three").run("copy", layout, "store:copied:1").succeeded().out());
    }
  }

  @Test
  void login_withoutAnybodyThere_keepsNothingAndShowsNoSecret() {
    Cli.Result result =
        cli("none")
            .run(
                SECRET.getBytes(StandardCharsets.UTF_8),
                "login",
                "-u",
                "me",
                "--password-stdin",
                "127.0.0.1:1");

    assertFalse(result.failed(1).contains(SECRET));
    assertFalse(Files.exists(temp.resolve("home/.docker/config.json")));
  }

  @Test
  void logout_nobodyLoggedIn_fails() {
    assertTrue(cli("none").run("logout", "example.com").failed(1).contains("nobody"));
  }

  @Test
  void pull_nobodyThere_leavesNoStore() {
    assertTrue(cli("none").run("pull", "127.0.0.1:1/some/image").failed(1).contains("127.0.0.1:1"));
    assertFalse(Files.exists(temp.resolve("none")));
  }

  @Test
  void copy_whatIsNoPlace_isWrongUsage() {
    assertTrue(cli("none").run("copy", "debian:12", "store:x").failed(2).contains("docker://"));
  }
}
