package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.Change;
import io.layerstore.DriverException;
import io.layerstore.LayerPath;
import io.layerstore.MountOptions;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.NativeDiff;
import io.layerstore.spi.TreeReader;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the driver makes of a layer that others mounted, with other options than its own. */
final class ForeignMountTest {

  @TempDir Path root;
  private Path home;
  private GraphDriver driver;

  @BeforeEach
  void openDriver() throws IOException {
    assumeTrue(Overlay2Testing.isRoot(), "needs root, to mount with options of its own");
    Overlay2Testing.assumeSupported(root);
    home = root.resolve("overlay2");
    driver = new Overlay2DriverProvider().open(Overlay2Testing.context(root));
    driver.create("base", null, CreateOptions.DEFAULT);
    Path diff = home.resolve("base/diff");
    Files.createDirectory(diff.resolve("d"));
    Files.writeString(diff.resolve("d/f"), "lower");
    Files.writeString(diff.resolve("file"), "lower");
    driver.createReadWrite("rw", "base", CreateOptions.DEFAULT);
  }

  @AfterEach
  void closeDriver() throws IOException {
    if (driver != null) {
      driver.close();
    }
  }

  /** What somebody does in a mount. */
  private interface Work {
    void in(Path merged) throws IOException;
  }

  /** Mounts the read-write layer as somebody else would. */
  private void mountElsewhere(String options, Work work) throws IOException {
    Path merged = Files.createDirectory(root.resolve("elsewhere"));
    Path layer = home.resolve("rw");
    String all =
        "lowerdir=%s,upperdir=%s,workdir=%s,%s"
            .formatted(
                home.resolve("base/diff"), layer.resolve("diff"), layer.resolve("work"), options);
    assumeTrue(
        status("mount", "-t", "overlay", "none", "-o", all, merged.toString()) == 0,
        "this kernel does not mount with " + options);
    try {
      work.in(merged);
    } finally {
      assertEquals(0, status("umount", merged.toString()));
    }
  }

  private static int status(String tool, Object... arguments) throws IOException {
    try {
      return Tool.require(tool).attempt(arguments).status();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  private NativeDiff diff() throws IOException {
    return driver.nativeDiff("rw", "base").orElseThrow();
  }

  private List<String> readAll() throws IOException {
    List<String> paths = new ArrayList<>();
    try (TreeReader reader = diff().entries()) {
      for (var entry = reader.next(); entry != null; entry = reader.next()) {
        paths.add(entry.type() + " " + entry.path());
      }
    }
    return paths;
  }

  private List<Change> changes() throws IOException {
    try (Stream<Change> changes = diff().changes()) {
      return changes.toList();
    }
  }

  private void assertRefused(String part) {
    DriverException e = assertThrows(DriverException.class, () -> readAll());
    assertTrue(e.getMessage().contains(part), e::getMessage);
    UncheckedIOException unchecked = assertThrows(UncheckedIOException.class, () -> changes());
    assertTrue(unchecked.getCause().getMessage().contains(part));
  }

  @Nested
  class Diff {

    @Test
    void diff_directoryRenamedWithRedirect_isRefused() throws IOException {
      mountElsewhere(
          "redirect_dir=on", merged -> Files.move(merged.resolve("d"), merged.resolve("e")));
      assertRefused("/e was renamed in a mount with redirect_dir on");
    }

    @Test
    void diff_fileThatIsOnlyMetadata_isRefused() throws IOException {
      mountElsewhere(
          "metacopy=on",
          merged ->
              Files.setPosixFilePermissions(
                  merged.resolve("file"), PosixFilePermissions.fromString("rw-------")));
      assertRefused("/file has its content in a lower layer");
    }

    @Test
    void diff_optionsOnButNotUsed_isComplete() throws IOException {
      mountElsewhere(
          "redirect_dir=on,metacopy=on",
          merged -> {
            Files.writeString(merged.resolve("file"), "changed");
            Files.delete(merged.resolve("d/f"));
          });
      assertEquals(List.of("DIRECTORY d", "WHITEOUT d/f", "FILE file"), readAll());
      assertEquals(
          List.of(
              new Change(Change.Kind.MODIFIED, LayerPath.of("d")),
              new Change(Change.Kind.DELETED, LayerPath.of("d/f")),
              new Change(Change.Kind.MODIFIED, LayerPath.of("file"))),
          changes());
    }

    @Test
    void sizeBytes_directoryRenamedWithRedirect_isThatOfTheOwnFiles() throws IOException {
      mountElsewhere(
          "redirect_dir=on",
          merged -> {
            Files.move(merged.resolve("d"), merged.resolve("e"));
            Files.writeString(merged.resolve("e/new"), "12345");
          });
      assertEquals(5, diff().sizeBytes());
    }
  }

  @Nested
  class Mount {

    @Test
    void mount_directoryRenamedWithRedirect_isRefusedNotEmpty() throws IOException {
      mountElsewhere(
          "redirect_dir=on", merged -> Files.move(merged.resolve("d"), merged.resolve("e")));
      Path merged = driver.mount("rw", MountOptions.DEFAULT);
      assertThrows(IOException.class, () -> Files.readString(merged.resolve("e/f")));
      driver.unmount("rw");
    }
  }

  @Nested
  class Remove {

    @Test
    void remove_layerWithWorkDirectoryOfAnother_isGone() throws IOException {
      mountElsewhere(
          "redirect_dir=on,metacopy=on,index=on",
          merged -> Files.move(merged.resolve("d"), merged.resolve("e")));
      driver.remove("rw");
      assertFalse(Files.exists(home.resolve("rw")));
    }
  }
}
