package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.DriverException;
import io.layerstore.DriverNotSupportedException;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.MaxDepthExceededException;
import io.layerstore.MountOptions;
import io.layerstore.RecoveryReport;
import io.layerstore.StoreCorruptedException;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the driver writes into its home, and what it makes of a home that is damaged. */
final class HomeLayoutTest {

  @TempDir Path root;
  private Path home;
  private GraphDriver driver;

  @BeforeEach
  void openDriver() throws LayerStoreException {
    Overlay2Testing.assumeSupported(root);
    home = root.resolve("overlay2");
    driver = open();
  }

  @AfterEach
  void closeDriver() throws LayerStoreException {
    if (driver != null) {
      driver.close();
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

  private String chain(int length) throws LayerStoreException {
    String parent = null;
    for (int i = 0; i < length; i++) {
      String id = "layer" + i;
      driver.create(id, parent, CreateOptions.DEFAULT);
      parent = id;
    }
    return parent;
  }

  private static Set<String> names(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      Set<String> names = new TreeSet<>();
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
      return names;
    }
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(
        Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS));
  }

  private String text(String id, String file) throws IOException {
    return Files.readString(home.resolve(id).resolve(file));
  }

  private Path link(String id) throws IOException {
    return home.resolve("l").resolve(text(id, "link"));
  }

  @Nested
  class Create {

    @Test
    void create_base_hasDiffAndLinkOnly() throws IOException {
      chain(1);
      assertEquals(Set.of("diff", "link"), names(home.resolve("layer0")));
    }

    @Test
    void create_child_hasLowerAndWorkToo() throws IOException {
      chain(2);
      assertEquals(Set.of("diff", "link", "lower", "work"), names(home.resolve("layer1")));
    }

    @Test
    void create_child_commitsTheParentWithAnEmptyFile() throws IOException {
      chain(2);
      assertEquals("", text("layer0", "committed"));
      assertEquals("rw-------", mode(home.resolve("layer0/committed")));
      assertFalse(Files.exists(home.resolve("layer1/committed")));
    }

    @Test
    void create_child_hasTheModesOfDocker() throws IOException {
      chain(2);
      assertEquals("rwx--x---", mode(home));
      assertEquals("rwx------", mode(home.resolve("l")));
      assertEquals("rwx--x---", mode(home.resolve("layer1")));
      assertEquals("rwxr-xr-x", mode(home.resolve("layer1/diff")));
      assertEquals("rwx------", mode(home.resolve("layer1/work")));
      assertEquals("rw-r--r--", mode(home.resolve("layer1/link")));
      assertEquals("rw-r--r--", mode(home.resolve("layer1/lower")));
    }

    @Test
    void create_layer_hasALinkOf26LettersToItsDiff() throws IOException {
      chain(1);
      assertTrue(text("layer0", "link").matches("[A-Z2-7]{26}"));
      assertEquals(Path.of("../layer0/diff"), Files.readSymbolicLink(link("layer0")));
    }

    @Test
    void create_chain_listsLowersNearestFirst() throws IOException {
      chain(3);
      assertEquals(
          "l/" + text("layer1", "link") + ":l/" + text("layer0", "link"), text("layer2", "lower"));
    }

    @Test
    void create_chainOf128Lowers_has29BytesForEach() throws IOException {
      chain(129);
      assertEquals(29 * 128 - 1, text("layer128", "lower").length());
      Path merged = driver.mount("layer128", MountOptions.DEFAULT);
      assertTrue(Files.isDirectory(merged));
      driver.unmount("layer128");
    }

    @Test
    void create_on129Layers_isTooDeepAndLeavesNothing() throws IOException {
      String top = chain(129);
      Set<String> before = names(home);
      Set<String> links = names(home.resolve("l"));
      MaxDepthExceededException thrown =
          assertThrows(
              MaxDepthExceededException.class,
              () -> driver.create("more", top, CreateOptions.DEFAULT));
      assertEquals(128, thrown.limit());
      assertEquals(before, names(home));
      assertEquals(links, names(home.resolve("l")));
      assertFalse(Files.exists(home.resolve(top).resolve("committed")));
    }

    @Test
    void create_idOfTheDirectoryOfLinks_throws() {
      assertThrows(
          IllegalArgumentException.class, () -> driver.create("l", null, CreateOptions.DEFAULT));
    }

    @Test
    void create_size_isRefused() {
      DriverException thrown =
          assertThrows(
              DriverException.class,
              () ->
                  driver.create(
                      "a", null, CreateOptions.builder().storageOption("size", "1G").build()));
      assertTrue(
          thrown
              .getMessage()
              .contains("the storage option size is for read-write layers only; leave it out"));
    }

    @Test
    void createReadWrite_size_isRefusedAndLeavesNothing() throws IOException {
      Set<String> before = names(home);
      DriverException thrown =
          assertThrows(
              DriverException.class,
              () ->
                  driver.createReadWrite(
                      "a", null, CreateOptions.builder().storageOption("size", "1G").build()));
      assertTrue(thrown.getMessage().contains("the storage option size is not supported"));
      assertEquals(before, names(home));
    }
  }

  @Nested
  class Remove {

    @Test
    void remove_layer_takesItsLinkAlong() throws IOException {
      chain(1);
      driver.remove("layer0");
      assertEquals(Set.of("l"), names(home));
      assertEquals(Set.of(), names(home.resolve("l")));
    }

    @Test
    void remove_layerMadeByBuildKit_isListedReadAndGone() throws IOException {
      // As BuildKit's snapshots in dockerd: 25 letters and digits.
      String id = "k1hu2c0q4tz7x9m3bv5n8r6ya";
      driver.create(id, chain(1), CreateOptions.DEFAULT);
      Files.writeString(home.resolve(id).resolve("diff/f"), "x");
      reopen();
      assertEquals(List.of(id, "layer0"), driver.ids());
      try (LayerTree tree = driver.tree(id)) {
        assertTrue(tree.find(LayerPath.of("f")).isPresent());
      }
      driver.remove(id);
      assertEquals(List.of("layer0"), driver.ids());
      assertEquals(Set.of(text("layer0", "link")), names(home.resolve("l")));
    }

    @Test
    void remove_layerWithoutLinkFile_takesItsLinkAlong() throws IOException {
      chain(1);
      Files.delete(home.resolve("layer0/link"));
      driver.remove("layer0");
      assertEquals(Set.of(), names(home.resolve("l")));
      assertFalse(driver.exists("layer0"));
    }

    @Test
    void remove_linkFileThatNamesAnotherLayer_leavesThatOne() throws IOException {
      driver.create("one", null, CreateOptions.DEFAULT);
      driver.create("two", null, CreateOptions.DEFAULT);
      Path linkOfOne = link("one");
      Files.writeString(home.resolve("two/link"), text("one", "link"));
      driver.remove("two");
      assertTrue(Files.isSymbolicLink(linkOfOne));
    }
  }

  @Nested
  class Metadata {

    @Test
    void metadata_chain_namesRealDirectoriesNearestFirst() throws IOException {
      chain(3);
      Map<String, String> metadata = driver.metadata("layer2");
      assertEquals(
          home.resolve("layer1/diff") + ":" + home.resolve("layer0/diff"),
          metadata.get("LowerDir"));
      assertEquals(home.resolve("layer2/diff").toString(), metadata.get("UpperDir"));
      assertEquals(home.resolve("layer2/work").toString(), metadata.get("WorkDir"));
      assertEquals(home.resolve("layer2/merged").toString(), metadata.get("MergedDir"));
    }

    @Test
    void metadata_missingLink_throws() throws IOException {
      chain(2);
      Files.delete(link("layer0"));
      assertThrows(StoreCorruptedException.class, () -> driver.metadata("layer1"));
    }
  }

  @Nested
  class Mount {

    @Test
    void mount_base_isItsDiff() throws IOException {
      chain(1);
      assertEquals(home.resolve("layer0/diff"), driver.mount("layer0", MountOptions.DEFAULT));
    }

    @Test
    void mount_committedLayer_refusesWrites() throws IOException {
      chain(3);
      Path merged = driver.mount("layer1", MountOptions.DEFAULT);
      assertThrows(IOException.class, () -> Files.writeString(merged.resolve("f"), "x"));
      driver.unmount("layer1");
    }

    @Test
    void mountReadOnly_layerWithoutChild_refusesWrites() throws IOException {
      chain(2);
      Path merged = driver.mountReadOnly("layer1", MountOptions.DEFAULT);
      assertThrows(IOException.class, () -> Files.writeString(merged.resolve("f"), "x"));
      driver.unmount("layer1");
      assertFalse(Files.exists(merged));
    }

    @Test
    void unmount_last_removesMerged() throws IOException {
      chain(2);
      driver.mount("layer1", MountOptions.DEFAULT);
      assertTrue(Files.exists(home.resolve("layer1/merged")));
      driver.unmount("layer1");
      assertFalse(Files.exists(home.resolve("layer1/merged")));
    }

    @Test
    void mount_missingLowerLayer_throwsAndLeavesNothing() throws IOException {
      chain(2);
      Files.delete(link("layer0"));
      assertThrows(DriverException.class, () -> driver.mount("layer1", MountOptions.DEFAULT));
      assertFalse(Files.exists(home.resolve("layer1/merged")));
    }

    @Test
    void mount_rootWithSpecialCharacters_works() throws IOException {
      driver.close();
      root = Files.createDirectories(root.resolve("a:b,c\\d e").resolve("x".repeat(150)));
      home = root.resolve("overlay2");
      driver = open();
      String top = chain(4);
      driver.createReadWrite("rw", top, CreateOptions.DEFAULT);
      Path merged = driver.mount("rw", MountOptions.DEFAULT);
      Files.writeString(merged.resolve("f"), "x");
      driver.unmount("rw");
      assertEquals("x", Files.readString(home.resolve("rw/diff/f")));
    }
  }

  @Nested
  class Recovery {

    @Test
    void open_linkInLMissing_makesItAgain() throws IOException {
      chain(2);
      Path link = link("layer0");
      Files.delete(link);
      assertEquals(1, reopen().of(RecoveryReport.Kind.DRIVER_REPAIR).size());
      assertEquals(Path.of("../layer0/diff"), Files.readSymbolicLink(link));
    }

    @Test
    void open_linkFileMissing_writesItAgain() throws IOException {
      chain(2);
      String before = text("layer0", "link");
      Files.delete(home.resolve("layer0/link"));
      reopen();
      assertEquals(before, text("layer0", "link"));
    }

    @Test
    void open_linkAndLinkFileMissing_findsTheNameInTheChildren() throws IOException {
      chain(4);
      String before = text("layer1", "link");
      Files.delete(link("layer1"));
      Files.delete(home.resolve("layer1/link"));
      reopen();
      assertEquals(before, text("layer1", "link"));
      driver.mount("layer3", MountOptions.DEFAULT);
      driver.unmount("layer3");
    }

    @Test
    void open_staleMerged_removesIt() throws IOException {
      chain(2);
      Files.createDirectory(home.resolve("layer1/merged"));
      assertEquals(List.of("layer1"), ids(reopen()));
      assertFalse(Files.exists(home.resolve("layer1/merged")));
    }

    @Test
    void open_staleMergedWithFiles_leavesItAndSaysSo() throws IOException {
      chain(2);
      Path merged = Files.createDirectory(home.resolve("layer1/merged"));
      Files.writeString(merged.resolve("precious"), "x");
      RecoveryReport report = reopen();
      assertEquals(1, report.of(RecoveryReport.Kind.POSTPONED).size());
      assertEquals("x", Files.readString(merged.resolve("precious")));
    }

    @Test
    void cleanup_linkOfALayerThatIsGone_isDeleted() throws IOException {
      Path left = home.resolve("l").resolve("A".repeat(26));
      Files.createSymbolicLink(left, Path.of("../gone/diff"));
      driver.cleanup();
      assertFalse(Files.exists(left, LinkOption.NOFOLLOW_LINKS));
    }

    private static List<String> ids(RecoveryReport report) {
      return report.findings().stream().map(RecoveryReport.Finding::id).toList();
    }
  }

  @Nested
  class Persistent {

    @Test
    void mount_afterPersistentOne_takesItOver() throws IOException {
      assumeTrue(Overlay2Testing.isRoot(), "needs root");
      driver.createReadWrite("rw", chain(1), CreateOptions.DEFAULT);
      Path merged = driver.mount("rw", MountOptions.persistent());
      driver.unmount("rw");
      Files.writeString(merged.resolve("f"), "x");
      reopen();
      assertEquals("x", Files.readString(merged.resolve("f")));
      assertEquals(merged, driver.mount("rw", MountOptions.DEFAULT));
      driver.unmount("rw");
      assertFalse(Files.exists(merged));
      assertEquals(Set.of("diff", "link", "lower", "work"), names(home.resolve("rw")));
    }

    @Test
    void mount_otherOptionsThanThePresentMount_throwsAndLeavesIt() throws IOException {
      assumeTrue(Overlay2Testing.isRoot(), "needs root");
      driver.createReadWrite("rw", chain(1), CreateOptions.DEFAULT);
      Path merged = driver.mount("rw", MountOptions.DEFAULT);
      assertThrows(DriverException.class, () -> driver.mount("rw", MountOptions.persistent()));
      assertTrue(Files.exists(merged));
      driver.unmount("rw");
      assertFalse(Files.exists(merged));
    }
  }

  @Nested
  class Options {

    private void assertRefused(Map<String, String> options, String part) {
      DriverException thrown =
          assertThrows(
              DriverException.class,
              () -> new Overlay2DriverProvider().open(Overlay2Testing.context(root, options)));
      assertFalse(thrown instanceof DriverNotSupportedException);
      assertTrue(thrown.getMessage().contains(part), thrown.getMessage());
    }

    @Test
    void open_unknownOption_isRefused() {
      assertRefused(Map.of("overlay2.colour", "red"), "unknown option overlay2.colour");
    }

    @Test
    void open_kernelCheckOverride_isRefused() {
      assertRefused(Map.of("overlay2.override_kernel_check", "true"), "unknown option");
    }

    @Test
    void open_sizeWithoutQuota_isRefused() {
      assertRefused(Map.of("overlay2.size", "10G"), "overlay2.size");
    }

    @Test
    void open_malformedSize_isRefused() {
      assertRefused(Map.of("overlay2.size", "much"), "invalid size");
    }

    @Test
    void open_sizeZero_isNoLimit() throws IOException {
      driver.close();
      driver =
          new Overlay2DriverProvider()
              .open(Overlay2Testing.context(root, Map.of("overlay2.size", "0")));
      assertEquals(List.of(), driver.ids());
    }
  }
}
