package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Modes in the store do not depend on the umask of whoever runs it. */
final class UmaskTest {

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"000", "022", "077"})
  void register_directoriesWithoutEntries_haveTheirModesUnderAnyUmask(String umask)
      throws Exception {
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    List<String> modes =
        Tool.require("sh")
            .run(
                "-c",
                "umask " + umask + "; exec \"$0\" \"$@\"",
                Path.of(System.getProperty("java.home"), "bin", "java"),
                "-cp",
                classPath,
                Main.class.getName(),
                directory.resolve("store"))
            .lines();
    assertEquals(
        List.of(
            "etc rwxr-xr-x",
            "dnf rwxr-xr-x",
            "x rw-r--r--",
            "layerdb rwx------",
            "sha256 rwxr-xr-x"),
        modes);
  }

  /** Registers a layer that leaves out the directory at the top, and prints modes. */
  static final class Main {

    private Main() {}

    public static void main(String[] arguments) throws IOException {
      Path root = Path.of(arguments[0]);
      byte[] tar = new TarBuilder().directory("etc/dnf/").file("etc/dnf/x", "1").end().toBytes();
      try (LayerStore store = LayerStore.builder(root).driver("vfs").open();
          Layer layer = store.register(LayerSource.of(tar), RegisterOptions.DEFAULT);
          Mount mount = layer.mount()) {
        print(mount.path().resolve("etc"));
        print(mount.path().resolve("etc/dnf"));
        print(mount.path().resolve("etc/dnf/x"));
        print(root.resolve("image/vfs/layerdb"));
        print(root.resolve("image/vfs/layerdb/sha256"));
      }
    }

    private static void print(Path path) throws IOException {
      System.out.println(
          path.getFileName()
              + " "
              + PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
    }
  }
}
