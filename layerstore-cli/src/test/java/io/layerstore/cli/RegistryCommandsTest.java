package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.ImportOptions;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Platform;
import io.layerstore.testing.DockerRegistry;
import io.layerstore.testing.TarBuilder;
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
    void filesOfARegistry_areShownWithoutAStore() throws IOException {
      String remote = "docker://" + name;
      List<String> here = cli("one").run("ls", "-lR", Sample.REFERENCE).succeeded().lines();

      assertEquals(here, cli("none").run("ls", "-lR", remote).succeeded().lines());
      assertEquals(
          cli("one").run("tree", Sample.REFERENCE).succeeded().out(),
          cli("none").run("tree", remote).succeeded().out());
      assertEquals(
          cli("one").run("cat", Sample.REFERENCE, "/etc/motd").succeeded().out(),
          cli("none").run("cat", remote, "/etc/motd").succeeded().out());
      assertEquals("", cli("one").run("diff", Sample.REFERENCE, remote).succeeded().out());
      Path copy = temp.resolve("motd");
      cli("none").run("cp", remote + ":/etc/motd", copy.toString()).succeeded();
      assertEquals(
          Files.readString(copy), cli("none").run("cat", remote, "/etc/motd").succeeded().out());
      assertFalse(Files.exists(temp.resolve("none")));
    }

    @Test
    void fileOfARegistry_thatIsNotThere_failsWithItsName() {
      String message = cli("none").run("cat", "docker://" + name, "/none").failed(1);

      assertTrue(message.contains("/none"), message);
    }

    @Test
    void inspect_pulledImage_showsWhatItCameWith() throws IOException {
      cli("two").run("pull", name).succeeded();

      Map<?, ?> json = cli("two").run("--json", "inspect", name).succeeded().json();
      Map<?, ?> remote = cli("two").run("--json", "inspect", "--remote", name).succeeded().json();

      Map<?, ?> manifest = (Map<?, ?>) ((List<?>) json.get("manifests")).get(0);
      assertEquals(remote.get("digest"), manifest.get("digest"));
      assertEquals("2", ((Map<?, ?>) manifest.get("document")).get("schemaVersion"));
    }

    /** Pushes the sample for a second platform, under the same name; returns the index's digest. */
    private Object pushForTwo() throws IOException {
      try (LayerStore store = LayerStore.open(temp.resolve("one"))) {
        ImportOptions options =
            ImportOptions.builder()
                .reference(ImageReference.parse("s390:1"))
                .platform(Platform.of("s390x", "linux"))
                .build();
        byte[] files = new TarBuilder().file("s390", "x").end().toBytes();
        store.images().importRootFs(LayerSource.of(files), options);
      }
      cli("one")
          .run("push", "--format", "oci", "--with", "s390:1", Sample.REFERENCE, name)
          .succeeded();
      return digest(name);
    }

    private Object digest(String reference) throws IOException {
      return cli("none").run("--json", "inspect", "--remote", reference).json().get("digest");
    }

    @Test
    void allPlatforms_throughALayoutAndBack_isTheSameIndex() throws IOException {
      Object digest = pushForTwo();
      String layout = temp.resolve("index.tar").toString();

      cli("two").run("pull", "--all-platforms", name).succeeded();
      cli("two")
          .run(
              "save",
              "--all-platforms",
              "--format",
              "oci",
              "--compress",
              "gzip",
              "-o",
              layout,
              name)
          .succeeded();
      cli("three").run("load", "--all-platforms", layout).succeeded();
      cli("three").run("push", "--all-platforms", name, name.replace("some", "other")).succeeded();

      assertEquals(digest, digest(name.replace("some", "other")));
    }

    @Test
    void copy_layoutOfAllPlatformsToARegistry_isTheSameIndex() throws IOException {
      Object digest = pushForTwo();
      String layout = "oci:" + temp.resolve("two-platforms") + "/";
      cli("none").run("copy", "docker://" + name, layout).succeeded();
      String there = name.replace("some", "other");

      String said =
          cli("none").run("copy", "--all-platforms", layout, "docker://" + there).succeeded().out();

      assertEquals(there + "@" + digest + "\n", said);
      assertEquals(digest, digest(there));
    }

    @Test
    void copy_layoutWithoutANameToARegistry_isTheSameIndex() throws IOException {
      Object digest = pushForTwo();
      Path layout = temp.resolve("nameless");
      cli("none").run("copy", "docker://" + name, "oci:" + layout + "/").succeeded();
      Path list = layout.resolve("index.json");
      String names = "\"annotations\":\\{[^}]*},?";
      Files.writeString(list, Files.readString(list).replaceAll(names, "").replace(",}", "}"));
      String there = name.replace("some", "other");

      cli("none").run("copy", "--all-platforms", "oci:" + layout, "docker://" + there).succeeded();

      assertEquals(digest, digest(there));
    }

    @Test
    void copy_toAnArchiveAndBack_isTheSameImage() {
      String archive = "archive:" + temp.resolve("copied.tar");
      String there = name.replace("some", "other");

      cli("none").run("copy", "docker://" + name, archive).succeeded();
      cli("none").run("copy", archive, "docker://" + there).succeeded();

      cli("three").run("copy", "docker://" + there, "store:copied:1").succeeded();
      assertEquals(id + "\n", cli("three").run("-q", "images").succeeded().out());
      cli("three").run("copy", "store:copied:1", "docker://" + there + "-again").succeeded();
      assertTrue(cli("two").run("pull", there + "-again").succeeded().out().contains(id));
    }

    @Test
    void copy_fromRegistryToRegistry_keepsTheDigest() throws IOException {
      String other = registry.address().replace("127.0.0.1", "localhost") + "/other/sample:1";

      String line = cli("none").run("copy", "docker://" + name, "docker://" + other).out();

      Map<?, ?> json = cli("none").run("--json", "inspect", "--remote", name).json();
      assertEquals(other + "@" + json.get("digest") + "\n", line);
    }

    @Test
    void copy_toALayout_keepsTheDigest() throws IOException {
      Path layout = temp.resolve("verbatim");

      cli("none").run("copy", "docker://" + name, "oci:" + layout).succeeded();

      Map<?, ?> json = cli("none").run("--json", "inspect", "--remote", name).json();
      String list = Files.readString(layout.resolve("index.json"));
      assertTrue(list.contains(String.valueOf(json.get("digest"))), list);
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
