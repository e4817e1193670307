package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.testing.DataRoot;
import io.layerstore.testing.DockerDaemon;
import io.layerstore.testing.Image;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Sha256;
import io.layerstore.testing.Tool;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * An image of more than 40 layers that dockerd built, mounted by us and by Docker: every entry is
 * the same, in content, owner, mode, times, links and extended attributes.
 *
 * <p>Its layers delete, replace, rename and link files of every kind under names of any bytes.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RealImageMountTest {

  /** Each is one layer. */
  private static final List<String> STEPS =
      List.of(
          "rm -r /trees/replaced && mkdir /trees/replaced && echo new > /trees/replaced/new",
          "rm -r /trees/gone",
          "rm -r /trees/emptied/*",
          "rm -r /trees/to-file && echo file > /trees/to-file",
          "rm /trees/to-directory && mkdir -p /trees/to-directory/x && echo y > /trees/to-directory/x/y",
          "rm -r /trees/again",
          "mkdir -p /trees/again/sub1 && echo again > /trees/again/sub1/again",
          "mv /trees/moved /trees/elsewhere && mv /attributes/capable-moved /attributes/moved-capable",
          "rm /names/removed/*",
          "rm /names/*feed /names/caf* && echo back > /names/line && chmod 600 /names/n* /names/w*",
          "ln /links/a0 /trees/linked && ln /links/other/b1 /links/linked",
          "rm /links/a2 && echo more >> /links/other/b2 && ln -s /links/c2 /links/a2",
          "rm /links/a3 && echo other > /links/a3 && ln /links/a3 /links/other/new",
          "chmod 4711 /modes/setgid && chmod 1700 /modes/private && chown 7:8 /modes/sticky /modes/setuid",
          "chown 5000000:6000000 /owners/other && chown 0:0 /owners/large && chmod 6711 /owners/other",
          "echo changed >> /attributes/user && chmod 700 /attributes/capable-changed /attributes/directory",
          "mknod /special/zero c 1 5 && mknod /special/loop b 7 1 && mkfifo /special/pipe && rm /special/null",
          "ln -sf nothing /special/absolute && rm /special/to-directory && mkdir /special/to-directory",
          "rm -r /special/to-directory && ln -s ../names /special/to-directory",
          "touch -d '1985-10-26 01:21:00' /times/large && echo x > /times/epoch && rm /times/empty");

  /** As many layers more that only add. */
  private static final int COPIES = 20;

  /** What Docker puts on top of an image for every container. */
  private static final Pattern OF_EVERY_CONTAINER =
      Pattern.compile(
          "/(\\.dockerenv|dev/(console|pts|shm)|etc/(hosts|hostname|mtab|resolv\\.conf)) .*");

  /** Directories that it changes by that. */
  private static final Pattern AROUND_THESE = Pattern.compile("/(dev|etc)? .*");

  private ScratchDirectory scratch;
  private DataRoot root;
  private String container;
  private String diffIds;
  private Image saved;
  private TreeText shownByDocker;

  @BeforeAll
  void letDockerBuildTheImage() throws Exception {
    Machine.requireRoot();
    scratch = ScratchDirectory.create();
    root = new DataRoot(scratch.resolve("root"), "overlay2");
    Path base = TreeText.writeBase(scratch);
    Path context = context();
    try (DockerDaemon daemon = DockerDaemon.start(root.path(), "overlay2")) {
      daemon.docker("import", base, "base:1");
      // BuildKit's layers would do as well, but in Docker's mount they have times to the
      // nanosecond, which their archives have not.
      daemon
          .client()
          .with("DOCKER_BUILDKIT", "0")
          .run("build", "--quiet", "--network=none", "--tag", "image:1", context);
      diffIds =
          daemon.docker("inspect", "--format={{join .RootFS.Layers \" \"}}", "image:1").text();
      container =
          daemon.docker("run", "--detach", "--network=none", "image:1", "sleep", "600").text();
      shownByDocker =
          TreeText.of(
              Path.of(
                  daemon
                      .docker("inspect", "--format={{.GraphDriver.Data.MergedDir}}", container)
                      .text()));
      Path archive = scratch.resolve("saved.tar");
      daemon.docker("save", "--output", archive, "image:1");
      saved = Image.read(archive, scratch.resolve("saved"));
      daemon.kill();
    }
  }

  @AfterAll
  void deleteAll() throws Exception {
    if (scratch != null) {
      scratch.close();
    }
  }

  @Test
  void image_ofTheTest_hasMoreThanFortyLayers() {
    assertTrue(saved.layers().size() > 40, () -> saved.layers().size() + " layers");
  }

  @Test
  void image_ofTheTest_hasWhiteoutsAndOpaqueDirectories() throws Exception {
    String whiteouts =
        Tool.require("find").run(root.driverHome(), "-type", "c", "-perm", "0").lines().size() + "";
    String opaque =
        Tool.require("bash")
            .run(
                "-c",
                "find \"$0\" -type d -print0 | xargs -0 getfattr -hn trusted.overlay.opaque 2>/dev/null | grep -c ^#",
                root.driverHome())
            .text();
    assertTrue(Integer.parseInt(whiteouts) > 20, whiteouts);
    assertTrue(Integer.parseInt(opaque) >= 3, opaque);
  }

  @Test
  void register_savedLayers_haveTheDiffIdsOfTheImage() throws Exception {
    List<String> digests = new ArrayList<>();
    for (Path layer : saved.layers()) {
      digests.add(Sha256.of(layer));
    }
    assertEquals(diffIds, String.join(" ", digests));
  }

  @Test
  void mount_containerOnDockersRoot_isWhatDockerMounts() throws Exception {
    try (LayerStore store = open(root.path());
        RWLayer layer = store.getRWLayer(container);
        Mount mount = layer.mount()) {
      shownByDocker.assertSameAs(TreeText.of(mount.path()));
    }
  }

  @Test
  void mount_registeredLayers_isWhatDockerMounts() throws Exception {
    try (LayerStore store = open(scratch.resolve("own"))) {
      ChainId top = null;
      for (Path archive : saved.layers()) {
        try (InputStream in = Files.newInputStream(archive);
            Layer layer = store.register(in, top)) {
          top = layer.chainId();
        }
      }
      try (Layer layer = store.get(top);
          Mount mount = layer.mount()) {
        withoutInitLayer(shownByDocker).assertSameAs(withoutInitLayer(TreeText.of(mount.path())));
      }
    }
  }

  private static TreeText withoutInitLayer(TreeText tree) {
    TreeText rest =
        tree.without(
            line ->
                OF_EVERY_CONTAINER.matcher(line).matches() || AROUND_THESE.matcher(line).matches());
    assertTrue(rest.size() > 100, () -> rest.size() + " entries");
    return rest;
  }

  private static LayerStore open(Path path) throws Exception {
    return LayerStore.builder(path).driver("overlay2").open();
  }

  private Path context() throws Exception {
    Path context = Files.createDirectory(scratch.resolve("context"));
    StringBuilder dockerfile = new StringBuilder("FROM base:1\n");
    for (String step : STEPS) {
      dockerfile.append("RUN ").append(step).append('\n');
    }
    for (int i = 0; i < COPIES; i++) {
      Files.writeString(context.resolve("copy" + i), "copy " + i + "\n");
      dockerfile.append("COPY copy").append(i).append(" /copies/\n");
    }
    Files.writeString(context.resolve("Dockerfile"), dockerfile);
    return context;
  }
}
