package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.Machine;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Root without all of root's capabilities, as in many containers. */
final class LimitedRootTest {

  @TempDir Path directory;

  @BeforeEach
  void requireOverlayAndRoot() {
    Machine.requireRoot();
    Overlay2Testing.assumeSupported(directory);
  }

  /** Lets the library choose, and uses what it chose. */
  static final class Whiteouts {
    public static void main(String[] arguments) throws IOException {
      ChainId none = null;
      try (LayerStore store = LayerStore.open(Path.of(arguments[0]))) {
        System.out.println(store.driverName());
        System.out.println(store.driverChoice().rejected().get("overlay2"));
        Layer base =
            store.register(
                new TarBuilder()
                    .file("gone", "1")
                    .file("d/gone", "2")
                    .file("kept", "3")
                    .end()
                    .toStream(),
                none);
        Layer whiteouts =
            store.register(
                new TarBuilder().file(".wh.gone", "").file("d/.wh..wh..opq", "").end().toStream(),
                base.chainId());
        RWLayer rw = store.createRWLayer("rw", whiteouts.chainId());
        try (Mount mount = rw.mount();
            var names = Files.list(mount.path());
            var below = Files.list(mount.path().resolve("d"))) {
          System.out.println(names.map(path -> path.getFileName().toString()).sorted().toList());
          System.out.println(below.count());
        }
      } catch (LayerStoreException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  private List<String> runWithout(String capability) throws Exception {
    Tool setpriv = Tool.require("setpriv");
    assumeTrue(
        setpriv.attempt("--bounding-set=-" + capability, "true").status() == 0,
        "this process may not drop capabilities");
    return ChildJvm.runUnder(
            setpriv,
            List.of("--bounding-set=-" + capability, "--inh-caps=-all"),
            Whiteouts.class,
            directory.resolve("store"))
        .lines();
  }

  @Test
  void register_withoutTheRightToMakeDevices_dropsNoWhiteout() throws Exception {
    List<String> lines = runWithout("mknod");
    // Linux 5.8 and newer let everybody make a whiteout; before, another driver is chosen.
    assertTrue(List.of("overlay2", "vfs").contains(lines.get(0)), lines::toString);
    assertEquals(List.of("[d, kept]", "0"), lines.subList(2, 4));
  }

  @Test
  void open_withoutTheRightToMount_choosesAnotherDriverAndSaysWhy() throws Exception {
    List<String> lines = runWithout("sys_admin");
    assertEquals("vfs", lines.get(0));
    assertTrue(lines.get(1).contains("Operation not permitted"), lines.get(1));
    assertTrue(lines.get(1).contains("CAP_SYS_ADMIN"), lines.get(1));
    assertEquals(List.of("[d, kept]", "0"), lines.subList(2, 4));
  }
}
