package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountBusyException;
import io.layerstore.MountOptions;
import io.layerstore.RWLayer;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.Machine;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Processes of root that use one mount of a read-write layer, and end in all ways and moments. */
final class SharedMountTest {

  private static final @Nullable ChainId NO_PARENT = null;

  @TempDir Path directory;
  private Path root;
  private LayerStore store;
  private RWLayer layer;

  @BeforeEach
  void makeLayer() throws IOException {
    Machine.requireRoot();
    Overlay2Testing.assumeSupported(directory);
    root = directory.resolve("store");
    store = open(root);
    try (Layer base = store.register(new TarBuilder().file("f", "a").end().toStream(), NO_PARENT)) {
      layer = store.createRWLayer("rw", base.chainId());
    }
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    if (store != null) {
      store.releaseRWLayer(layer);
      store.close();
      assertEquals(List.of(), Overlay2Testing.mountsBelow(directory));
    }
  }

  private static LayerStore open(Path root) throws LayerStoreException {
    return LayerStore.builder(root).driver("overlay2").open();
  }

  private static void write(Mount mount, String text) throws IOException {
    Files.writeString(mount.path().resolve("w"), text);
  }

  private static String read(Mount mount, String name) throws IOException {
    return Files.readString(mount.path().resolve(name));
  }

  private int mounts() throws IOException {
    return Overlay2Testing.mountsBelow(directory).size();
  }

  /** Mounts, writes, and ends at a step. */
  static final class Victim {
    public static void main(String[] arguments) throws IOException {
      Path root = Path.of(arguments[0]);
      Thread.currentThread()
          .setContextClassLoader(
              FaultyOverlay2Provider.loader(root.resolveSibling("v"), DyingOverlay2Provider.class));
      LayerStore store = open(root);
      RWLayer layer = store.getRWLayer("rw");
      DyingOverlay2Provider.dieAt(arguments[1], Boolean.parseBoolean(arguments[2]));
      Mount mount = layer.mount();
      write(mount, "1");
      mount.close();
      System.out.println("lives");
    }
  }

  private void runVictim(String step, boolean withHelpers) throws Exception {
    Files.createDirectory(directory.resolve("v"));
    assertEquals("", ChildJvm.run(List.of(), Victim.class, root, step, withHelpers).text());
  }

  @ParameterizedTest
  @CsvSource({
    "before mount, false", "after mount, false", "before unmount, false", "after unmount, false",
    "before mount, true", "after mount, true", "before unmount, true", "after unmount, true"
  })
  void mount_afterAnotherWasKilledAtAStep_worksAndIsUndone(String step, boolean withHelpers)
      throws Exception {
    runVictim(step, withHelpers);
    try (Mount mount = layer.mount()) {
      assertEquals("a", read(mount, "f"));
      write(mount, "2");
      assertEquals(1, mounts());
    }
    assertEquals(0, mounts());
  }

  @ParameterizedTest
  @CsvSource({
    "before mount, false", "after mount, false", "before leave, false", "after leave, false",
    "before mount, true", "after mount, true", "before leave, true", "after leave, true"
  })
  void mount_whileAnotherThatSharesItIsKilledAtAStep_stays(String step, boolean withHelpers)
      throws Exception {
    try (Mount mount = layer.mount()) {
      write(mount, "0");
      runVictim(step, withHelpers);
      assertEquals(step.contains("leave") ? "1" : "0", read(mount, "w"));
      assertEquals("a", read(mount, "f"));
      assertEquals(1, mounts());
    }
    assertEquals(0, mounts());
  }

  /** Does as it is told. */
  static final class Holder {
    public static void main(String[] arguments) throws IOException {
      @Nullable Mount mount = null;
      try (LayerStore store = open(Path.of(arguments[0]));
          RWLayer layer = store.getRWLayer("rw");
          BufferedReader in =
              new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
        for (String line = in.readLine(); line != null; line = in.readLine()) {
          switch (line) {
            case "mount" -> mount = layer.mount();
            case "mount persistently" -> mount = layer.mount(MountOptions.persistent());
            case "write" -> write(Objects.requireNonNull(mount), "holder");
            default -> Objects.requireNonNull(mount).close();
          }
          System.out.println(line);
        }
      }
    }
  }

  private record Other(Process process, BufferedReader out) implements AutoCloseable {
    void tell(String what) throws IOException {
      process.getOutputStream().write((what + "\n").getBytes(StandardCharsets.UTF_8));
      process.getOutputStream().flush();
      assertEquals(what, out.readLine());
    }

    @Override
    public void close() {
      kill();
    }

    void kill() {
      process.destroyForcibly().onExit().join();
    }
  }

  private Other startOther() throws IOException {
    Process process = ChildJvm.start(Holder.class, root);
    return new Other(
        process,
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)));
  }

  @Test
  void mount_whoseMakerIsKilled_staysWithThoseWhoShareIt() throws Exception {
    try (Other other = startOther()) {
      other.tell("mount");
      try (Mount mount = layer.mount()) {
        ProcessHandle helper = mountHelperOf(other.process());
        other.kill();
        helper.onExit().get();
        assertEquals("a", read(mount, "f"));
        write(mount, "2");
      }
      assertEquals(0, mounts());
    }
  }

  private static ProcessHandle mountHelperOf(Process process) {
    return process
        .descendants()
        .filter(Overlay2Testing.mountHelpers()::contains)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void mount_ofAStoppedProcess_isSharedAndStaysItsOwn() throws Exception {
    try (Other other = startOther()) {
      other.tell("mount");
      Tool kill = Tool.require("kill");
      kill.run("-STOP", other.process().pid());
      try (Mount mount = layer.mount()) {
        write(mount, "2");
      }
      assertEquals(1, mounts());
      kill.run("-CONT", other.process().pid());
      other.tell("write");
      other.tell("unmount");
      assertEquals(0, mounts());
    }
    try (Mount mount = layer.mount()) {
      assertEquals("holder", read(mount, "w"));
    }
  }

  @Test
  void register_afterAProcessAndItsHelperWereKilled_undoesTheirMount() throws Exception {
    runVictim("before unmount", true);
    assertEquals(1, mounts());
    store.register(new TarBuilder().file("g", "b").end().toStream(), NO_PARENT).close();
    assertEquals(0, mounts());
    assertFalse(Files.exists(Path.of(layer.metadata().get("MergedDir"))));
  }

  @Test
  void mount_thatAnotherHasMountedPersistently_isRefusedUnlessPersistent() throws Exception {
    try (Other other = startOther()) {
      other.tell("mount persistently");
      try (Mount mount = layer.mount(MountOptions.persistent())) {
        other.tell("write");
        assertEquals("holder", read(mount, "w"));
        LayerStoreException e =
            assertThrows(
                LayerStoreException.class,
                () -> {
                  try (LayerStore third = open(root);
                      RWLayer seen = third.getRWLayer("rw")) {
                    seen.mount();
                  }
                });
        assertTrue(e.getMessage().contains("other options"), e::getMessage);
      }
      other.tell("unmount");
      assertEquals(1, mounts());
    }
    layer.mount().close();
    assertEquals(0, mounts());
  }

  /** Tries to mount; says what it is told. */
  static final class Elsewhere {
    public static void main(String[] arguments) throws IOException {
      try (LayerStore store = open(Path.of(arguments[0]));
          RWLayer layer = store.getRWLayer("rw")) {
        try (Mount mount = layer.mount()) {
          System.out.println("mounted at " + mount.path());
        } catch (MountBusyException e) {
          System.out.println(e.getMessage());
        }
        try (Layer below = store.get(layer.parent().orElseThrow());
            Mount mount = below.mount()) {
          System.out.println(read(mount, "f"));
        }
      }
    }
  }

  @Test
  void mount_fromAnotherMountNamespace_isRefusedAndSaysWhy() throws Exception {
    Tool unshare = Tool.require("unshare");
    Tool nsenter = Tool.require("nsenter");
    Process other =
        new ProcessBuilder(
                unshare.program().toString(),
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                "echo; read end")
            .start();
    try {
      assertEquals('\n', other.getInputStream().read());
      try (Mount mount = layer.mount()) {
        List<String> lines =
            ChildJvm.runUnder(
                    nsenter, List.of("--mount", "--target", other.pid()), Elsewhere.class, root)
                .lines();
        assertTrue(lines.get(0).contains("process " + ProcessHandle.current().pid()), lines.get(0));
        assertTrue(lines.get(0).contains("in another mount namespace"), lines.get(0));
        assertEquals("a", lines.get(1));
        assertEquals("a", read(mount, "f"));
      }
      assertEquals(0, mounts());
    } finally {
      other.getOutputStream().close();
      other.waitFor();
    }
  }
}
