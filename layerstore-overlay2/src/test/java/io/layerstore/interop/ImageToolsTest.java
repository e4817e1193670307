package io.layerstore.interop;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.Compression;
import io.layerstore.DiffId;
import io.layerstore.Durability;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.Mount;
import io.layerstore.SaveOptions;
import io.layerstore.SaveOptions.Format;
import io.layerstore.testing.Busybox;
import io.layerstore.testing.DockerDaemon;
import io.layerstore.testing.Heavy;
import io.layerstore.testing.Listing;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Image archives of the tools people use, loaded here; and what is saved here, loaded by them.
 *
 * <p>Two images are made once by a Docker daemon of the test's own: {@code base}, and {@code app}
 * with two layers more, one of which deletes.
 */
@Heavy
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ImageToolsTest {

  private static final Pattern DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");

  private ScratchDirectory shared;
  private DockerDaemon docker;

  /** Another one, for what is saved here; without images between tests. */
  private DockerDaemon second;

  private ScratchDirectory scratch;
  private LayerStore store;

  @BeforeAll
  void makeImages() throws IOException, InterruptedException {
    Machine.requireRoot();
    DockerDaemon.program();
    shared = ScratchDirectory.create();
    docker = DockerDaemon.start(shared.resolve("docker"), "overlay2");
    second = DockerDaemon.start(shared.resolve("second"), "overlay2");
    Path root = shared.resolve("root.tar");
    Busybox.writeRootTo(root);
    docker.docker("import", "--change", "CMD [\"/bin/sh\"]", root, "base:1");
    run("base:1", "mkdir /d && echo one > /d/f && ln /d/f /d/g && rm /bin/true", "app:step");
    run("app:step", "rm -r /d && mkdir /d && echo two > /d/h && chmod 4755 /bin/busybox", "app:1");
    docker.docker("tag", "app:1", "registry.example:5000/team/app:latest");
  }

  private void run(String from, String script, String to) throws IOException, InterruptedException {
    String id = docker.docker("create", "--network=none", from, "/bin/sh", "-ec", script).text();
    docker.docker("start", "--attach", id);
    docker.docker("commit", "--change", "CMD [\"/bin/sh\"]", id, to);
    docker.docker("rm", id);
  }

  @AfterAll
  void removeImages() throws IOException, InterruptedException {
    if (docker != null) {
      docker.stop();
    }
    if (second != null) {
      second.stop();
    }
    if (shared != null) {
      shared.close();
    }
  }

  @BeforeEach
  void openStore() throws IOException {
    scratch = ScratchDirectory.create();
    store = open("store");
  }

  @AfterEach
  void closeStore() throws IOException, InterruptedException {
    store.close();
    scratch.close();
    // With the images it was made from, if nothing else names them.
    second.client().attempt("rmi", "--force", "app:1");
  }

  private LayerStore open(String name) throws LayerStoreException {
    return LayerStore.builder(scratch.resolve(name))
        .driver("overlay2")
        .durability(Durability.NONE)
        .open();
  }

  private Tool tool(String name) {
    return Tool.require(name).with("HOME", scratch.path().toString()).with("TMPDIR", "/var/tmp");
  }

  private String idInDocker(String reference) throws IOException, InterruptedException {
    return docker.docker("image", "inspect", "--format", "{{.Id}}", reference).text();
  }

  private List<String> diffIdsInDocker(String reference) throws IOException, InterruptedException {
    String json =
        docker.docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", reference).text();
    return digests(json);
  }

  private static List<String> digests(String text) {
    List<String> digests = new ArrayList<>();
    Matcher matcher = DIGEST.matcher(text);
    while (matcher.find()) {
      digests.add(matcher.group());
    }
    return digests;
  }

  private LoadReport load(Path archive) throws IOException {
    return store.images().load(ImageSource.of(archive), LoadOptions.DEFAULT);
  }

  private static List<String> diffIds(Image image) {
    return image.config().diffIds().stream().map(DiffId::toString).toList();
  }

  private Set<String> names() {
    Set<String> names = new TreeSet<>();
    for (ImageReference reference : store.images().references().list().keySet()) {
      names.add(reference.toString());
    }
    return names;
  }

  /** Loads what Docker has as {@code app:1}. */
  private Image loadApp() throws IOException, InterruptedException {
    Path archive = scratch.resolve("app.tar");
    docker.docker("save", "-o", archive, "app:1");
    return store.images().get(load(archive).images().get(0).id());
  }

  private void save(Path target, Format format, Compression compression) throws IOException {
    boolean isDirectory = target.toString().endsWith("-dir");
    store
        .images()
        .save(
            List.of("app:1"),
            isDirectory ? ImageTarget.directory(target) : ImageTarget.file(target),
            SaveOptions.builder().format(format).compression(compression).build());
  }

  @Nested
  class FromDocker {

    private void assertSameAsInDocker(String reference, Image image)
        throws IOException, InterruptedException {
      assertEquals(idInDocker(reference), image.id().toString());
      assertEquals(diffIdsInDocker(reference), diffIds(image));
    }

    @Test
    void load_oneTag_sameIds() throws IOException, InterruptedException {
      assertSameAsInDocker("app:1", loadApp());
      assertEquals(Set.of("app:1"), names());
    }

    @Test
    void load_severalImagesAndTags_allOfThem() throws IOException, InterruptedException {
      Path archive = scratch.resolve("all.tar");
      docker.docker(
          "save", "-o", archive, "base:1", "app", "registry.example:5000/team/app:latest");
      load(archive);
      assertEquals(
          Set.of("app:1", "app:step", "base:1", "registry.example:5000/team/app:latest"), names());
      for (String name : names()) {
        assertSameAsInDocker(name, store.images().resolve(name));
      }
      ImageId step = store.images().resolve("app:step").id();
      assertEquals(step, store.images().resolve("app:1").parent().orElseThrow());
    }

    /** As bsdtar does without being asked where a file has holes. */
    @Test
    void load_packedAgainWithoutHoles_sameIds() throws IOException, InterruptedException {
      Path archive = scratch.resolve("app.tar");
      docker.docker("save", "-o", archive, "app:1");
      Path unpacked = Files.createDirectory(scratch.resolve("unpacked"));
      Tool.require("tar").run("-C", unpacked, "-xf", archive);
      try (Stream<Path> files = Files.walk(unpacked)) {
        for (Path layer : files.filter(Files::isRegularFile).toList()) {
          Tool.require("fallocate").run("--dig-holes", layer);
        }
      }
      Path packed = scratch.resolve("packed.tar");
      Tool.require("tar").run("-C", unpacked, "-S", "--format=posix", "-cf", packed, ".");
      String text = new String(Files.readAllBytes(packed), ISO_8859_1);
      assumeTrue(text.contains("GNU.sparse"), "needs a file system that keeps holes");
      assertSameAsInDocker("app:1", store.images().get(load(packed).images().get(0).id()));
    }

    @Test
    void load_untagged_sameIdWithoutName() throws IOException, InterruptedException {
      Path archive = scratch.resolve("untagged.tar");
      docker.docker("save", "-o", archive, idInDocker("app:1"));
      assertSameAsInDocker("app:1", store.images().get(load(archive).images().get(0).id()));
      assertEquals(Set.of(), names());
    }

    @Test
    void load_withoutManifest_sameIdsAsDockerGivesIt() throws IOException, InterruptedException {
      Path archive = scratch.resolve("app.tar");
      docker.docker("save", "-o", archive, "app:1");
      Path unpacked = Files.createDirectory(scratch.resolve("unpacked"));
      Tool.require("tar").run("-C", unpacked, "-xf", archive);
      Files.delete(unpacked.resolve("manifest.json"));
      Path legacy = scratch.resolve("legacy.tar");
      Tool.require("tar").run("-C", unpacked, "-cf", legacy, ".");
      LoadReport report = load(legacy);
      assertEquals(3, report.images().size());
      second.docker("load", "-i", legacy);
      Set<String> expected = new TreeSet<>(second.docker("images", "-aq", "--no-trunc").lines());
      Set<String> actual = new TreeSet<>();
      store.images().list().forEach(image -> actual.add(image.id().toString()));
      assertEquals(expected, actual);
      assertEquals(Set.of("app:1"), names());
      load(unpacked);
    }
  }

  @Nested
  class ToDocker {

    @ParameterizedTest
    @CsvSource({"DOCKER,NONE", "DOCKER,GZIP"})
    void save_loadedByAnotherDaemon_sameIdAndRuns(Format format, Compression compression)
        throws IOException, InterruptedException {
      Image image = loadApp();
      Path archive = scratch.resolve("ours.tar");
      save(archive, format, compression);
      second.docker("load", "-i", archive);
      assertEquals(
          image.id().toString(),
          second.docker("image", "inspect", "--format", "{{.Id}}", "app:1").text());
      assertEquals(
          "two",
          second.docker("run", "--rm", "--network=none", "app:1", "/bin/cat", "/d/h").text());
    }
  }

  @Nested
  class Skopeo {

    private Tool skopeo() {
      return tool("skopeo");
    }

    @ParameterizedTest
    @CsvSource({
      "docker-archive:%s:app:1,  file",
      "oci-archive:%s:app:1,     file",
      "oci:%s:app:1,             directory"
    })
    void load_whatSkopeoWrote_sameIds(String form, String kind)
        throws IOException, InterruptedException {
      Path source = scratch.resolve("docker.tar");
      docker.docker("save", "-o", source, "app:1");
      Path target = scratch.resolve("skopeo");
      String name = form.formatted(target);
      skopeo().run("--insecure-policy", "copy", "docker-archive:" + source, name);
      Image image = store.images().get(load(target).images().get(0).id());
      String config = skopeo().run("inspect", "--config", "--raw", name).out();
      assertEquals(ImageId.of(config.getBytes(UTF_8)), image.id());
      assertEquals(diffIdsInDocker("app:1"), diffIds(image));
      assertEquals(Set.of("app:1"), names());
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2s2", "oci"})
    void load_directoryOfSkopeo_sameIdsUnderTheNameThatIsGiven(String format)
        throws IOException, InterruptedException {
      Path source = scratch.resolve("docker.tar");
      docker.docker("save", "-o", source, "app:1");
      Path target = scratch.resolve("skopeo");
      skopeo()
          .run(
              "--insecure-policy",
              "copy",
              "--format=" + format,
              "docker-archive:" + source,
              "dir:" + target);
      LoadOptions options = LoadOptions.builder().reference(ImageReference.parse("mine:1")).build();
      LoadReport report = store.images().load(ImageSource.of(target), options);
      Image image = store.images().get(report.images().get(0).id());
      assertEquals(diffIdsInDocker("app:1"), diffIds(image));
      assertEquals(Set.of("mine:1"), names());
    }

    @ParameterizedTest
    @EnumSource
    void save_docker_acceptedAndCopied(Compression compression)
        throws IOException, InterruptedException {
      Image image = loadApp();
      Path archive = scratch.resolve("ours.tar");
      save(archive, Format.DOCKER, compression);
      String name = "docker-archive:" + archive + ":app:1";
      assertEquals(
          image.configBytes().decodeUtf8().orElse(""),
          skopeo().run("inspect", "--config", "--raw", name).out());
      Path copy = scratch.resolve("copy-dir");
      skopeo().run("--insecure-policy", "copy", name, "oci:" + copy + ":app:1");
      assertEquals(diffIds(image), diffIds(store.images().get(load(copy).images().get(0).id())));
    }

    @ParameterizedTest
    @EnumSource
    void save_oci_acceptedAndCopied(Compression compression)
        throws IOException, InterruptedException {
      Image image = loadApp();
      Path layout = scratch.resolve("ours-dir");
      save(layout, Format.OCI, compression);
      String name = "oci:" + layout + ":1";
      assertEquals(
          image.configBytes().decodeUtf8().orElse(""),
          skopeo().run("inspect", "--config", "--raw", name).out());
      Path copy = scratch.resolve("copy.tar");
      skopeo().run("--insecure-policy", "copy", name, "oci-archive:" + copy + ":app:1");
      assertEquals(image.id(), load(copy).images().get(0).id());
    }
  }

  @Nested
  class Umoci {

    @ParameterizedTest
    @EnumSource(names = {"NONE", "GZIP"})
    void save_unpackedByUmoci_treeEqualToMount(Compression compression)
        throws IOException, InterruptedException {
      Image image = loadApp();
      Path layout = scratch.resolve("ours-dir");
      save(layout, Format.OCI, compression);
      Path bundle = scratch.resolve("bundle");
      tool("umoci").run("unpack", "--image", layout + ":1", bundle);
      try (Layer top = store.get(image.topLayer().orElseThrow());
          Mount mount = top.mount()) {
        assertEquals("", Listing.difference(mount.path(), bundle.resolve("rootfs")));
      }
    }

    @Test
    void load_whatUmociWrote_sameIds() throws IOException, InterruptedException {
      loadApp();
      Path layout = scratch.resolve("ours-dir");
      save(layout, Format.OCI, Compression.GZIP);
      Tool umoci = tool("umoci");
      Path bundle = scratch.resolve("bundle");
      umoci.run("unpack", "--image", layout + ":1", bundle);
      Files.writeString(bundle.resolve("rootfs/new"), "hello");
      umoci.run("repack", "--image", layout + ":2", bundle);
      Path two = scratch.resolve("two");
      tool("skopeo")
          .run("--insecure-policy", "copy", "oci:" + layout + ":2", "oci:" + two + ":x/y:2");
      Image image = store.images().get(load(two).images().get(0).id());
      String config =
          tool("skopeo").run("inspect", "--config", "--raw", "oci:" + layout + ":2").out();
      assertEquals(ImageId.of(config.getBytes(UTF_8)), image.id());
      assertEquals(digests(config.substring(config.indexOf("diff_ids"))).size(), 4);
      assertTrue(names().contains("x/y:2"), names().toString());
      assertTrue(load(layout).images().stream().anyMatch(each -> each.id().equals(image.id())));
    }
  }

  @Nested
  class Buildah {

    @ParameterizedTest
    @CsvSource({
      "docker-archive:%s:made:1, file",
      "oci-archive:%s:made:1, file",
      "oci:%s:made:1, directory"
    })
    void load_whatBuildahWrote_sameIds(String form, String kind)
        throws IOException, InterruptedException {
      Tool buildah = tool("buildah");
      List<Object> options =
          List.of(
              "--storage-driver=vfs",
              "--root=" + scratch.resolve("buildah"),
              "--runroot=" + scratch.resolve("run"));
      Path content = Files.writeString(scratch.resolve("file"), "made by buildah");
      String container = run(buildah, options, "from", "scratch").text();
      run(buildah, options, "copy", container, content, "/file");
      Path target = scratch.resolve("made");
      run(
          buildah,
          options,
          "commit",
          "--signature-policy=" + policy(),
          container,
          form.formatted(target));
      Image image = store.images().get(load(target).images().get(0).id());
      String config =
          tool("skopeo").run("inspect", "--config", "--raw", form.formatted(target)).out();
      assertEquals(ImageId.of(config.getBytes(UTF_8)), image.id());
      assertEquals(digests(config.substring(config.indexOf("diff_ids"))), diffIds(image));
      try (Layer top = store.get(image.topLayer().orElseThrow());
          Mount mount = top.mount()) {
        assertEquals("made by buildah", Files.readString(mount.path().resolve("file")));
      }
    }

    private Tool.Result run(Tool buildah, List<Object> options, Object... arguments)
        throws IOException, InterruptedException {
      List<Object> all = new ArrayList<>(options);
      all.addAll(List.of(arguments));
      return buildah.run(all.toArray());
    }

    private Path policy() throws IOException {
      return Files.writeString(
          scratch.resolve("policy.json"), "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}");
    }
  }
}
