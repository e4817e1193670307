package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.LayerStoreException;
import io.layerstore.MountOptions;
import io.layerstore.RecoveryReport;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.StoreCorruptedException;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.GraphDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A home in which somebody has written what no driver writes: nothing outside is ever reached. */
final class DamagedHomeTest {

  @TempDir Path directory;
  private Path outside;
  private Path home;
  private Path root;
  private GraphDriver driver;

  @BeforeEach
  void makeLayers() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    outside = Files.createDirectories(directory.resolve("outside/diff")).getParent();
    Files.writeString(outside.resolve("diff/secret"), "untouched");
    root = Files.createDirectory(directory.resolve("store"));
    home = root.resolve("overlay2");
    driver = open();
    driver.create("base", null, CreateOptions.DEFAULT);
    Files.writeString(home.resolve("base/diff/f"), "x");
    driver.create("top", "base", CreateOptions.DEFAULT);
  }

  @AfterEach
  void nothingIsMountedAndOutsideIsUntouched() throws IOException {
    if (driver != null) {
      driver.close();
      assertEquals(List.of(), Overlay2Testing.mountsBelow(directory));
      assertEquals("untouched", Files.readString(outside.resolve("diff/secret")));
    }
  }

  private GraphDriver open() throws LayerStoreException {
    return new Overlay2DriverProvider().open(Overlay2Testing.context(root));
  }

  private RecoveryReport reopen() throws LayerStoreException {
    driver.close();
    driver = open();
    return driver.recoveryReport();
  }

  private Path link(String id) throws IOException {
    return home.resolve("l").resolve(Files.readString(home.resolve(id).resolve("link")));
  }

  private void assertTopShowsTheBase() throws IOException {
    Path merged = driver.mount("top", MountOptions.DEFAULT);
    assertEquals("x", Files.readString(merged.resolve("f")));
    assertFalse(Files.exists(merged.resolve("secret")));
    driver.unmount("top");
  }

  @Nested
  class Lower {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "/etc",
          "l/../../../outside/diff",
          "l/AAAAAAAAAAAAAAAAAAAAAAAAAA,upperdir=/",
          "l/AAAAAAAAAAAAAAAAAAAAAAAAAA:/etc",
          "l/AAAAAAAAAAAAAAAAAAAAAAAAAA::l/AAAAAAAAAAAAAAAAAAAAAAAAAA",
          "AAAAAAAAAAAAAAAAAAAAAAAAAA",
          "l/",
          "l/SHORT",
          "l/aaaaaaaaaaaaaaaaaaaaaaaaaa",
          "l/AAAAAAAAAAAAAAAAAAAAAAAAAAA"
        })
    void everyUse_lowerIsNoListOfNames_isCorrupted(String text) throws IOException {
      Files.writeString(home.resolve("top/lower"), text);
      assertTopIsCorrupted();
    }

    @Test
    void everyUse_lowerOf200Names_isCorrupted() throws IOException {
      String name = "l/" + Files.readString(home.resolve("base/link"));
      Files.writeString(home.resolve("top/lower"), name + (":" + name).repeat(199));
      assertTopIsCorrupted();
    }

    private void assertTopIsCorrupted() throws IOException {
      assertThrows(StoreCorruptedException.class, () -> driver.mount("top", MountOptions.DEFAULT));
      assertThrows(
          StoreCorruptedException.class, () -> driver.mountReadOnly("top", MountOptions.DEFAULT));
      assertThrows(StoreCorruptedException.class, () -> driver.tree("top"));
      assertThrows(StoreCorruptedException.class, () -> driver.metadata("top"));
      assertThrows(StoreCorruptedException.class, () -> driver.nativeDiff("top", "base"));
      assertThrows(
          StoreCorruptedException.class,
          () -> driver.create("child", "top", CreateOptions.DEFAULT));
      assertFalse(driver.exists("child"));
    }

    @Test
    void remove_lowerIsNoListOfNames_works() throws IOException {
      Files.writeString(home.resolve("top/lower"), "/etc");
      driver.remove("top");
      assertEquals(List.of("base"), driver.ids());
    }
  }

  @Nested
  class Link {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "../../../outside",
          "/etc",
          "..",
          "a/b",
          "x\0y",
          "SHORT",
          "aAAAAAAAAAAAAAAAAAAAAAAAAA"
        })
    void open_linkFileIsNoName_isWrittenAgain(String text) throws IOException {
      String before = Files.readString(home.resolve("base/link"));
      Files.writeString(home.resolve("base/link"), text);
      assertEquals(1, reopen().of(Kind.DRIVER_REPAIR).size());
      assertEquals(before, Files.readString(home.resolve("base/link")));
      assertTopShowsTheBase();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/etc", "../../../outside/diff", "../gone/diff", "../base/work", "x"})
    void open_nameLeadsElsewhere_isMadeAgain(String target) throws IOException {
      Path link = link("base");
      Files.delete(link);
      Files.createSymbolicLink(link, Path.of(target));
      assertEquals(1, reopen().of(Kind.DRIVER_REPAIR).size());
      assertEquals(Path.of("../base/diff"), Files.readSymbolicLink(link));
      assertTopShowsTheBase();
    }

    @Test
    void open_nameLeadsToAnotherLayer_isLeftToThatOneAndReported() throws IOException {
      Files.writeString(home.resolve("top/link"), Files.readString(home.resolve("base/link")));
      RecoveryReport report = reopen();
      assertEquals(
          List.of("top"), report.of(Kind.POSTPONED).stream().map(each -> each.id()).toList());
      assertEquals(Path.of("../base/diff"), Files.readSymbolicLink(link("base")));
      assertTopShowsTheBase();
    }

    @Test
    void open_nameIsAFile_isMovedAsideAndMadeAgain() throws IOException {
      Path link = link("base");
      Files.delete(link);
      Files.writeString(link, "precious");
      assertEquals(1, reopen().of(Kind.DRIVER_REPAIR).size());
      assertEquals(
          "precious", Files.readString(link.resolveSibling(link.getFileName() + ".damaged-1")));
      assertTopShowsTheBase();
    }

    @Test
    void open_fileInPlaceOfAllNames_isMovedAsideAndAllAreMadeAgain() throws IOException {
      Path names = home.resolve("l");
      Files.move(names, directory.resolve("old names"));
      Files.writeString(names, "precious");
      assertTrue(reopen().of(Kind.DRIVER_REPAIR).size() > 1);
      assertEquals("precious", Files.readString(home.resolve("l.damaged-1")));
      assertTopShowsTheBase();
    }

    @Test
    void open_temporaryFilesOfAKilledProcess_areDeleted() throws IOException {
      Files.writeString(home.resolve("base/.tmp-committed4711"), "");
      Files.createDirectories(home.resolve("check-overlayfs-support0123456789abcdef/merged"));
      assertEquals(List.of(), reopen().findings());
      assertFalse(Files.exists(home.resolve("base/.tmp-committed4711")));
      assertFalse(Files.exists(home.resolve("check-overlayfs-support0123456789abcdef")));
    }

    @Test
    void mount_nameLeadsOutOfTheHome_isRefused() throws IOException {
      Path link = link("base");
      Files.delete(link);
      Files.createSymbolicLink(link, Path.of("../../../outside/diff"));
      assertThrows(LayerStoreException.class, () -> driver.mount("top", MountOptions.DEFAULT));
      assertThrows(LayerStoreException.class, () -> driver.tree("top"));
    }
  }

  @Nested
  class Directory {

    @Test
    void everyUse_layerIsALinkToOutside_isNoLayer() throws IOException {
      Files.createSymbolicLink(home.resolve("evil"), outside);
      assertFalse(driver.exists("evil"));
      assertEquals(List.of("base", "top"), driver.ids());
      assertThrows(
          LayerStoreException.class, () -> driver.create("child", "evil", CreateOptions.DEFAULT));
      assertThrows(LayerStoreException.class, () -> driver.mount("evil", MountOptions.DEFAULT));
      driver.remove("evil");
      assertTrue(Files.isSymbolicLink(home.resolve("evil")));
    }

    @Test
    void everyUse_diffIsALinkToOutside_isNoLayer() throws IOException {
      Files.createDirectory(home.resolve("evil"));
      Files.createSymbolicLink(home.resolve("evil/diff"), outside.resolve("diff"));
      assertFalse(driver.exists("evil"));
      assertThrows(LayerStoreException.class, () -> driver.mount("evil", MountOptions.DEFAULT));
      assertThrows(LayerStoreException.class, () -> driver.tree("evil"));
      driver.remove("evil");
      assertFalse(Files.exists(home.resolve("evil"), LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void mount_mergedIsALinkToOutside_isRefused() throws IOException {
      driver.createReadWrite("rw", "base", CreateOptions.DEFAULT);
      Path merged = home.resolve("rw/merged");
      Files.createSymbolicLink(merged, outside);
      assertThrows(LayerStoreException.class, () -> driver.mount("rw", MountOptions.DEFAULT));
      Files.delete(merged);
    }

    @Test
    void mount_workIsALinkToOutside_isRefused() throws IOException {
      driver.createReadWrite("rw", "base", CreateOptions.DEFAULT);
      Files.delete(home.resolve("rw/work"));
      Files.createSymbolicLink(home.resolve("rw/work"), outside);
      assertThrows(LayerStoreException.class, () -> driver.mount("rw", MountOptions.DEFAULT));
      assertNotEquals(List.of(), driver.ids());
    }
  }
}
