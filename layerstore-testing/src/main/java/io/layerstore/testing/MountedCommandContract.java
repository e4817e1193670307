package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What commands find that run in mounts, as whoever runs the tests. */
public abstract class MountedCommandContract {

  @TempDir Path directory;
  private LayerStore store;
  private ChainId image;

  /** A store to be opened in {@code root}, or the test is skipped. */
  protected abstract StoreOptions.Builder builder(Path root);

  @BeforeEach
  void openStore() throws IOException {
    Tool busybox = Tool.require("busybox");
    store = builder(directory.resolve("store")).open();
    TarBuilder tar =
        new TarBuilder()
            .directory("bin/")
            .file(
                TarHeaderBlock.named("bin/busybox").mode(0755),
                Files.readAllBytes(busybox.program().toRealPath()))
            .symlink("bin/sh", "busybox")
            .symlink("bin/cat", "busybox")
            .directory("etc/")
            .file("etc/motd", "of the layer\n")
            .end();
    try (Layer below = store.register(LayerSource.of(tar.toBytes()), RegisterOptions.DEFAULT);
        Layer top =
            store.register(
                LayerSource.of(new TarBuilder().directory("tmp/").end().toBytes()),
                RegisterOptions.onTopOf(below.chainId()))) {
      image = top.chainId();
    }
  }

  @AfterEach
  void closeStore() throws LayerStoreException {
    if (store != null) {
      store.close();
    }
  }

  private RWLayer layer() throws LayerStoreException {
    return store.createRWLayer("rw", image);
  }

  private static ProcessBuilder shell(String script) {
    return new ProcessBuilder("sh", "-c", script);
  }

  private static String outputOf(ProcessBuilder builder) throws IOException {
    Process process = builder.redirectErrorStream(true).start();
    process.getOutputStream().close();
    try (InputStream output = process.getInputStream()) {
      String text = new String(output.readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, process.waitFor(), text);
      return text;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  @Test
  void enter_shell_goesToDirectoriesBelow() throws IOException {
    try (RWLayer rw = layer();
        Mount mount = rw.mount()) {
      assertEquals("motd\n", outputOf(mount.enter(shell("cd etc && cd .. && cd etc && ls"))));
    }
  }

  @Test
  void enter_command_writesIntoTheLayer() throws IOException {
    try (RWLayer rw = layer();
        Mount mount = rw.mount()) {
      outputOf(mount.enter(shell("echo changed > etc/motd")));
      assertEquals("changed\n", Files.readString(mount.path().resolve("etc/motd")));
    }
  }

  @Test
  void enter_environmentAndInput_reachTheCommand() throws IOException {
    try (RWLayer rw = layer();
        Mount mount = rw.mount()) {
      ProcessBuilder builder =
          shell("cat; echo $SAID").redirectInput(mount.path().resolve("etc/motd").toFile());
      builder.environment().put("SAID", "and more");
      assertEquals("of the layer\nand more\n", outputOf(mount.enter(builder)));
    }
  }

  @Test
  void enter_layerWithNothingBelow_runsInIt() throws IOException {
    try (RWLayer rw = store.createRWLayer("rw");
        Mount mount = rw.mount()) {
      outputOf(mount.enter(shell("mkdir d && cd d && echo x > f")));
      assertEquals("x\n", Files.readString(mount.path().resolve("d/f")));
    }
  }

  @Test
  void enter_readOnlyLayer_runsInIt() throws IOException {
    try (Layer layer = store.get(image);
        Mount mount = layer.mount()) {
      assertEquals("of the layer\n", outputOf(mount.enter(shell("cd etc && cat motd"))));
    }
  }

  @Test
  void enter_storeForReadingOnly_runsInIt() throws IOException {
    store.close();
    store = builder(directory.resolve("store")).readOnly(true).open();
    try (Layer layer = store.get(image);
        Mount mount = layer.mount()) {
      assertEquals("of the layer\n", outputOf(mount.enter(new ProcessBuilder("cat", "etc/motd"))));
    }
  }

  @Test
  void enter_missingProgram_failsWithItsName() throws IOException {
    try (RWLayer rw = layer();
        Mount mount = rw.mount()) {
      IOException e =
          assertThrows(
              IOException.class, () -> mount.enter(new ProcessBuilder("no-such-program")).start());
      assertTrue(e.getMessage().contains("no-such-program"), e::getMessage);
    }
  }

  @Test
  void enter_closedMount_refused() throws IOException {
    try (RWLayer rw = layer()) {
      Mount mount = rw.mount();
      mount.close();
      assertThrows(IllegalStateException.class, () -> mount.enter(shell("true")));
      assertThrows(IllegalStateException.class, () -> mount.chroot(shell("true")));
      assertThrows(IllegalStateException.class, mount::namespace);
    }
  }

  @Test
  void enter_noCommand_refused() throws IOException {
    try (RWLayer rw = layer();
        Mount mount = rw.mount()) {
      assertThrows(IllegalArgumentException.class, () -> mount.enter(new ProcessBuilder()));
    }
  }

  @Test
  void chroot_shellOfTheLayer_hasTheLayerAsRoot() throws IOException {
    try (RWLayer rw = layer();
        Mount mount = rw.mount()) {
      ProcessBuilder builder =
          new ProcessBuilder("/bin/sh", "-c", "cd .. && pwd && cat /etc/motd && echo new > /new");
      assertEquals("/\nof the layer\n", outputOf(mount.chroot(builder)));
      assertEquals("new\n", Files.readString(mount.path().resolve("new")));
    }
  }

  @Test
  void chroot_readOnlyLayer_runsInIt() throws IOException {
    try (Layer layer = store.get(image);
        Mount mount = layer.mount()) {
      assertEquals(
          "of the layer\n",
          outputOf(mount.chroot(new ProcessBuilder("/bin/busybox", "cat", "/etc/motd"))));
    }
  }

  @Test
  void chroot_storeForReadingOnly_runsInIt() throws IOException {
    store.close();
    store = builder(directory.resolve("store")).readOnly(true).open();
    try (Layer layer = store.get(image);
        Mount mount = layer.mount()) {
      assertEquals(
          "of the layer\n",
          outputOf(mount.chroot(new ProcessBuilder("/bin/busybox", "cat", "/etc/motd"))));
    }
  }

  @Test
  void chroot_missingProgram_endsWith127() throws Exception {
    try (RWLayer rw = layer();
        Mount mount = rw.mount()) {
      Process process =
          mount
              .chroot(new ProcessBuilder("/no/such/program"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      assertEquals(127, process.waitFor());
    }
  }

  @Test
  void namespace_mountElsewhere_letsNsenterIn() throws IOException {
    Tool nsenter = Tool.require("nsenter");
    try (RWLayer rw = layer();
        Mount mount = rw.mount()) {
      Optional<Mount.Namespace> namespace = mount.namespace();
      assertEquals(mount.path().startsWith("/proc"), namespace.isPresent());
      Path path = namespace.map(Mount.Namespace::path).orElse(mount.path());
      assertFalse(path.startsWith("/proc"), path.toString());
      if (namespace.isPresent()) {
        List<String> command =
            List.of(
                nsenter.program().toString(),
                "--target=" + namespace.get().pid(),
                "--user",
                "--mount",
                "--preserve-credentials",
                "--wd=" + mount.path(),
                "cat",
                "etc/motd");
        assertEquals("of the layer\n", outputOf(new ProcessBuilder(command)));
      }
    }
  }

  // ---- programs that people run in layers ----

  @Test
  void enter_bubblewrap_hasTheLayerAsRoot() throws IOException {
    String bwrap = Tool.require("bwrap").program().toString();
    try (RWLayer rw = layer();
        Mount mount = rw.mount()) {
      outputOf(
          mount.enter(
              new ProcessBuilder(
                  bwrap,
                  "--unshare-pid",
                  "--bind",
                  ".",
                  "/",
                  "--proc",
                  "/proc",
                  "--dev",
                  "/dev",
                  "/bin/sh",
                  "-c",
                  "cd etc && cd /etc && echo wrapped > motd && echo $$ > /dev/null")));
      assertEquals("wrapped\n", Files.readString(mount.path().resolve("etc/motd")));
    }
  }

  @Test
  void enter_unshareWithARoot_hasTheLayerAsRoot() throws IOException {
    String unshare = Tool.require("unshare").program().toString();
    try (RWLayer rw = layer();
        Mount mount = rw.mount()) {
      assertEquals(
          "of the layer\n",
          outputOf(
              mount.enter(
                  new ProcessBuilder(
                      unshare,
                      "--mount",
                      "--map-root-user",
                      "--root=.",
                      "/bin/busybox",
                      "cat",
                      "/etc/motd"))));
    }
  }

  @Test
  void enter_git_commitsAndClones() throws IOException {
    String git = Tool.require("git").program().toString();
    try (RWLayer rw = layer();
        Mount mount = rw.mount()) {
      String script =
          "export HOME=$PWD; git=$0; $git init -q p && cd p && echo x > f && $git add f"
              + " && $git -c user.name=n -c user.email=e commit -q -m m && cd .. && $git clone -q p q"
              + " && cat q/f";
      assertEquals("x\n", outputOf(mount.enter(shell(script.replace("$0", git)))));
    }
  }
}
