package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every command on a real store with the vfs driver. */
final class CommandsTest {
  private static final byte[] BASE =
      new TarBuilder().directory("etc/").file("etc/motd", "hello\n").end().toBytes();
  private static final byte[] TOP = new TarBuilder().file("top", "top\n").end().toBytes();
  private static final DiffId BASE_DIFF = new DiffId(Digest.sha256Of(BASE));
  private static final DiffId TOP_DIFF = new DiffId(Digest.sha256Of(TOP));
  private static final ChainId BASE_CHAIN = ChainId.of(null, BASE_DIFF);
  private static final ChainId TOP_CHAIN = ChainId.of(BASE_CHAIN, TOP_DIFF);
  private static final String ABSENT = "sha256:" + "0".repeat(64);

  @TempDir private Path temp;
  private Path root;
  private Cli cli;
  private Path baseFile;
  private Path topFile;

  @BeforeEach
  void prepare() throws IOException {
    root = temp.resolve("root");
    cli = new Cli(root);
    baseFile = Files.write(temp.resolve("base.tar"), BASE);
    topFile = Files.write(temp.resolve("top.tar"), TOP);
  }

  @Test
  void quiet_layersMadeAndListed_idsAndNamesAlone() throws IOException {
    assertEquals(
        BASE_CHAIN + "\n", cli.run("register", "-q", baseFile.toString()).succeeded().out());
    assertEquals(BASE_CHAIN + "\n", cli.run("layers", "-q").succeeded().out());
    createChanged("work");
    assertEquals("work\n", cli.run("rwlayers", "-q").succeeded().out());

    String committed = cli.run("commit", "-q", "work").succeeded().out().strip();

    assertTrue(cli.run("layers", "-q").succeeded().lines().contains(committed), committed);
  }

  private void registerBoth() {
    cli.run("register", baseFile.toString()).succeeded();
    cli.run("register", "--parent", BASE_CHAIN.toString(), topFile.toString()).succeeded();
  }

  /**
   * A read-write layer called {@code name} on the base, with {@code etc/new} added and {@code
   * etc/motd} gone.
   */
  private void createChanged(String name) throws IOException {
    cli.run("register", baseFile.toString()).succeeded();
    cli.run("create", name, "--parent", BASE_CHAIN.toString()).succeeded();
    Path mount = Path.of(cli.run("mount", name).succeeded().out().strip());
    Files.writeString(mount.resolve("etc/new"), "new\n");
    Files.delete(mount.resolve("etc/motd"));
    cli.run("unmount", name).succeeded();
  }

  private List<String> chainIds() throws IOException {
    List<String> ids = new ArrayList<>();
    if (!Files.exists(root)) {
      // A command that failed has taken the store it made away again.
      return ids;
    }
    for (Object layer : list(cli.run("layers", "--json").succeeded().json(), "layers")) {
      ids.add((String) ((Map<?, ?>) layer).get("chainId"));
    }
    return ids;
  }

  private static List<?> list(Map<?, ?> json, String name) {
    return (List<?>) json.get(name);
  }

  private static Map<?, ?> object(Object json) {
    return (Map<?, ?>) json;
  }

  @Nested
  class Register {

    @Test
    void register_file_printsDiffIdChainIdAndSize() {
      Cli.Result result = cli.run("register", baseFile.toString()).succeeded();

      assertEquals(BASE_DIFF + " " + BASE_CHAIN + " 6\n", result.out());
    }

    @Test
    void register_standardInput_readsIt() {
      assertEquals(
          BASE_DIFF + " " + BASE_CHAIN + " 6\n", cli.run(BASE, "register", "-").succeeded().out());
    }

    /** A file of the same size: only its content tells. */
    @Test
    void register_verifyExisting_healsDamagedContent() throws IOException {
      cli.run("register", baseFile.toString()).succeeded();
      Path motd = onlyLayer().resolve("etc/motd");
      Files.writeString(motd, "hallo\n");
      cli.run("register", baseFile.toString()).succeeded();
      assertEquals("hallo\n", Files.readString(motd));

      cli.run("register", "--verify-existing", baseFile.toString()).succeeded();

      assertEquals("hello\n", Files.readString(onlyLayer().resolve("etc/motd")));
    }

    private Path onlyLayer() throws IOException {
      try (Stream<Path> layers = Files.list(root.resolve("vfs/dir"))) {
        return layers.findFirst().orElseThrow();
      }
    }

    @Test
    void register_fileNameThatBeginsWithAt_isAFileName() {
      String line = cli.run("register", "@" + baseFile).failed(Main.FAILED);

      assertTrue(line.contains("no such file or directory: @" + baseFile), line);
    }

    @Test
    void register_shortenedParent_standsOnIt() {
      cli.run("register", baseFile.toString()).succeeded();

      String parent = BASE_CHAIN.digest().hex().substring(0, 6);
      Cli.Result result = cli.run("register", "--parent", parent, topFile.toString()).succeeded();

      assertEquals(TOP_DIFF + " " + TOP_CHAIN + " 4\n", result.out());
    }

    @Test
    void register_json_isOneDocument() throws IOException {
      Map<?, ?> json = cli.run("--json", "register", baseFile.toString()).succeeded().json();

      assertEquals(BASE_DIFF.toString(), json.get("diffId"));
      assertEquals(BASE_CHAIN.toString(), json.get("chainId"));
      assertEquals("6", json.get("diffSizeBytes"));
      assertTrue(json.containsKey("parent"));
    }

    @Test
    void register_expectedContent_succeeds() {
      cli.run("register", "--expect", BASE_DIFF.toString(), baseFile.toString()).succeeded();
    }

    @Test
    void register_otherThanExpected_failsAndRegistersNothing() throws IOException {
      String expected = TOP_DIFF.toString();

      String line =
          cli.run("register", "--expect", expected, baseFile.toString()).failed(Main.FAILED);

      assertTrue(line.contains(BASE_DIFF.toString()), line);
      assertEquals(List.of(), chainIds());
    }

    @Test
    void register_expectedAndPresent_doesNotReadTheFile() {
      cli.run("register", baseFile.toString()).succeeded();

      Cli.Result result =
          cli.run("register", "--expect", BASE_DIFF.toString(), temp.resolve("none").toString());

      assertEquals(BASE_DIFF + " " + BASE_CHAIN + " 6\n", result.succeeded().out());
    }

    @Test
    void register_missingFile_namesIt() {
      Path file = temp.resolve("none.tar");

      String line = cli.run("register", file.toString()).failed(Main.FAILED);

      assertTrue(line.endsWith("no such file or directory: " + file + "; check the path"), line);
    }

    @Test
    void register_directory_saysSo() {
      String line = cli.run("register", temp.toString()).failed(Main.FAILED);

      assertTrue(line.contains(temp + ": is a directory"), line);
    }

    @Test
    void register_notAnArchive_namesTheFile() throws IOException {
      Path file = Files.writeString(temp.resolve("text"), "text ".repeat(300));

      String line = cli.run("register", file.toString()).failed(Main.FAILED);

      assertTrue(line.contains(file + " is not accepted: "), line);
      assertEquals(List.of(), chainIds());
    }

    @Test
    void register_absentParent_fails() {
      cli.run("register", "--parent", ABSENT, topFile.toString()).failed(Main.FAILED);
    }

    @Test
    void register_parentThatIsNoId_isWrongUsage() {
      cli.run("register", "--parent", "base", topFile.toString()).failed(Main.WRONG_USAGE);
    }

    @Test
    void register_readOnly_failsAndMakesNoStore() {
      cli.run("--read-only", "register", baseFile.toString()).failed(Main.FAILED);

      assertFalse(Files.exists(root));
    }

    @Test
    void register_storeOpenElsewhereAlone_saysSo() throws IOException {
      try (LayerStore store = LayerStore.builder(root).driver("vfs").exclusive().open()) {
        String line = cli.run("register", baseFile.toString()).failed(Main.FAILED);

        assertTrue(line.contains(store.root().toString()), line);
      }
    }
  }

  @Nested
  class Layers {

    @Test
    void layers_emptyStore_isAHeader() throws IOException {
      LayerStore.builder(root).driver("vfs").open().close();

      assertEquals(1, cli.run("layers").succeeded().lines().size());
    }

    @Test
    void layers_two_areListed() throws IOException {
      registerBoth();

      assertEquals(
          Stream.of(BASE_CHAIN, TOP_CHAIN).map(ChainId::toString).sorted().toList(), chainIds());
    }

    @Test
    void layers_text_showsShortIdsAndUsers() {
      registerBoth();

      List<String> lines = cli.run("layers").succeeded().lines();

      assertEquals(3, lines.size());
      assertTrue(lines.get(0).startsWith("CHAIN ID"), lines.get(0));
      String base = BASE_CHAIN.digest().hex().substring(0, 12);
      String top = TOP_CHAIN.digest().hex().substring(0, 12);
      assertTrue(
          lines.stream().anyMatch(line -> line.startsWith(base) && line.endsWith("layer " + top)),
          lines.toString());
    }

    @Test
    void layers_tree_indentsWhatStandsOnAnother() {
      registerBoth();
      cli.run("create", "work", "--parent", TOP_CHAIN.toString()).succeeded();

      List<String> lines = cli.run("layers", "--tree").succeeded().lines();

      assertEquals(
          List.of(
              BASE_CHAIN.digest().hex().substring(0, 12) + "  6 B",
              "  " + TOP_CHAIN.digest().hex().substring(0, 12) + "  4 B",
              "    work (read-write)"),
          lines);
    }

    @Test
    void layers_treeAsJson_nestsThem() throws IOException {
      registerBoth();

      Map<?, ?> json = cli.run("layers", "--tree", "--json").succeeded().json();

      Map<?, ?> base = object(list(json, "layers").get(0));
      Map<?, ?> top = object(list(base, "layers").get(0));
      assertEquals(BASE_CHAIN.toString(), base.get("chainId"));
      assertEquals(TOP_CHAIN.toString(), top.get("chainId"));
      assertEquals(List.of(), top.get("layers"));
    }

    @Test
    void layers_noStore_saysHowToMakeOne() {
      String line = cli.run("layers").failed(Main.FAILED);

      assertTrue(line.contains(root.toString()) && line.contains("register"), line);
      assertFalse(Files.exists(root));
    }

    @Test
    void layers_storeOpenForWritingElsewhere_works() throws IOException {
      registerBoth();

      try (LayerStore store = LayerStore.builder(root).driver("vfs").open()) {
        assertEquals(2, store.layers().size());
        assertEquals(2, chainIds().size());
      }
    }

    @Test
    void layers_any_changesNothingOnDisk() throws IOException {
      registerBoth();
      Map<String, String> before = tree(root);

      cli.run("layers").succeeded();

      assertEquals(before, tree(root));
    }
  }

  @Nested
  class Inspect {

    @Test
    void inspect_shortenedId_showsTheWholeOne() {
      registerBoth();

      Cli.Result result = cli.run("inspect", TOP_CHAIN.digest().hex().substring(0, 8)).succeeded();

      assertTrue(result.lines().contains("Chain ID: " + TOP_CHAIN), result.out());
      assertTrue(result.lines().contains("Diff ID: " + TOP_DIFF), result.out());
      assertTrue(result.lines().contains("Parent: " + BASE_CHAIN), result.out());
    }

    @Test
    void inspect_layerAsJson_hasItsUsers() throws IOException {
      registerBoth();

      Map<?, ?> json = cli.run("--json", "inspect", BASE_CHAIN.toString()).succeeded().json();

      assertEquals("layer", json.get("type"));
      assertEquals(List.of(TOP_CHAIN.toString()), json.get("children"));
      assertEquals("1", json.get("depth"));
    }

    @Test
    void inspect_readWriteLayer_showsIt() throws IOException {
      createChanged("work");

      Map<?, ?> json = cli.run("--json", "inspect", "work").succeeded().json();

      assertEquals("rwLayer", json.get("type"));
      assertEquals(BASE_CHAIN.toString(), json.get("parent"));
      assertTrue(cli.run("inspect", "work").succeeded().lines().contains("Name: work"));
    }

    @Test
    void inspect_nameThatLooksLikeAnId_isTheName() throws IOException {
      registerBoth();
      String name = BASE_CHAIN.digest().hex();
      cli.run("create", name).succeeded();

      assertEquals("rwLayer", cli.run("--json", "inspect", name).succeeded().json().get("type"));
      assertEquals(
          "layer",
          cli.run("--json", "inspect", BASE_CHAIN.toString()).succeeded().json().get("type"));
    }

    @Test
    void inspect_nothingOfThatName_saysWhereToLook() {
      registerBoth();

      for (String unknown : List.of("nothing", "0000", ABSENT)) {
        String line = cli.run("inspect", unknown).failed(Main.FAILED);
        assertTrue(line.contains(unknown) && line.contains("rwlayers"), line);
      }
    }
  }

  @Nested
  class Export {

    @Test
    void export_layerToStandardOutput_isByteForByte() {
      registerBoth();

      assertArrayEquals(
          TOP, cli.run("export", TOP_CHAIN.toString()).succeeded().bytes().toByteArray());
    }

    @Test
    void export_dashAsFile_isTheStandardOutput() {
      registerBoth();

      assertEquals(
          ByteString.of(BASE),
          cli.run("export", "-o", "-", BASE_CHAIN.toString()).succeeded().bytes());
      cli.run("--json", "export", "-o", "-", BASE_CHAIN.toString()).failed(Main.WRONG_USAGE);
    }

    @Test
    void export_layerToAFile_isByteForByteAndSaysNothing() throws IOException {
      registerBoth();
      Path file = temp.resolve("out.tar");

      Cli.Result result = cli.run("export", "-o", file.toString(), BASE_CHAIN.toString());

      assertEquals("", result.succeeded().out());
      assertArrayEquals(BASE, Files.readAllBytes(file));
    }

    @Test
    void export_json_hasTheDigest() throws IOException {
      registerBoth();
      Path file = temp.resolve("out.tar");

      Map<?, ?> json =
          cli.run("--json", "export", "-o", file.toString(), BASE_CHAIN.toString())
              .succeeded()
              .json();

      assertEquals(BASE_DIFF.toString(), json.get("digest"));
      assertEquals(String.valueOf(BASE.length), json.get("sizeBytes"));
      assertEquals(file.toString(), json.get("file"));
    }

    @Test
    void export_readWriteLayer_hasItsChanges() throws IOException {
      createChanged("work");

      byte[] tar = cli.run("export", "work").succeeded().bytes().toByteArray();
      cli.run(tar, "register", "--parent", BASE_CHAIN.toString(), "-").succeeded();

      assertEquals(2, chainIds().size());
    }

    @Test
    void export_fromAnAncestor_isTheDifference() throws IOException {
      registerBoth();
      byte[] tar =
          cli.run("export", "--from", BASE_CHAIN.toString(), TOP_CHAIN.toString())
              .succeeded()
              .bytes()
              .toByteArray();

      Cli other = new Cli(temp.resolve("other"));
      String chain = other.run(tar, "register", "-").succeeded().out().split(" ", -1)[1];
      other.run("create", "look", "--parent", chain).succeeded();
      Path mount = Path.of(other.run("mount", "look").succeeded().out().strip());

      assertEquals("top\n", Files.readString(mount.resolve("top")));
      assertFalse(Files.exists(mount.resolve("etc")));
    }

    @Test
    void export_fromALayerThatIsNotBelow_fails() {
      registerBoth();

      String line =
          cli.run("export", "--from", TOP_CHAIN.toString(), BASE_CHAIN.toString())
              .failed(Main.FAILED);

      assertTrue(line.contains("is not a parent of the specified layer"), line);
      assertTrue(line.endsWith("'layers --tree' shows which layers are below it"), line);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gzip", "zstd"})
    void export_compressed_sameBytesTwiceAndExactInside(String compression) {
      registerBoth();
      String[] command = {"export", "--compress", compression, TOP_CHAIN.toString()};

      Cli.Result first = cli.run(command).succeeded();

      assertEquals(first.bytes(), cli.run(command).succeeded().bytes());
      assertNotEquals(TOP.length, first.bytes().length());
      String[] ids =
          cli.run(first.bytes().toByteArray(), "register", "-").succeeded().out().split(" ", -1);
      assertEquals(TOP_DIFF.toString(), ids[0]);
    }

    @Test
    void export_compressedReadWriteLayer_isTheLayerThatCommitMakes() throws IOException {
      createChanged("work");
      // A deletion has the time at which it is found.
      Cli then = cli.with("SOURCE_DATE_EPOCH", "1000000000");
      byte[] archive =
          then.run("export", "--compress", "gzip", "work").succeeded().bytes().toByteArray();

      String line =
          cli.run(archive, "register", "--parent", BASE_CHAIN.toString(), "-").succeeded().out();

      assertEquals((byte) 0x1f, archive[0]);
      assertEquals(line, then.run("commit", "work").succeeded().out());
    }

    @Test
    void export_unknownCompression_isWrongUsage() {
      registerBoth();

      String line =
          cli.run("export", "--compress", "lzma", TOP_CHAIN.toString()).failed(Main.WRONG_USAGE);

      assertTrue(line.contains("lzma"), line);
    }

    @Test
    void export_sourceDateEpoch_isTheLayerThatCommitMakes() throws IOException {
      createChanged("work");
      Cli then = cli.with("SOURCE_DATE_EPOCH", "1000000000");
      byte[] archive = then.run("export", "work").succeeded().bytes().toByteArray();

      assertFalse(Arrays.equals(archive, cli.run("export", "work").bytes().toByteArray()));
      assertEquals(
          new DiffId(Digest.sha256Of(archive)).toString(),
          then.run("commit", "work").succeeded().out().split(" ", -1)[0]);
    }

    @Test
    void export_sourceDateEpochForALayer_isStillByteForByte() {
      registerBoth();
      Cli then = cli.with("SOURCE_DATE_EPOCH", "0");

      assertArrayEquals(
          TOP, then.run("export", TOP_CHAIN.toString()).succeeded().bytes().toByteArray());
    }

    @Test
    void export_fromForAReadWriteLayer_isWrongUsage() throws IOException {
      createChanged("work");

      cli.run("export", "--from", BASE_CHAIN.toString(), "work").failed(Main.WRONG_USAGE);
    }

    @Test
    void export_damagedLayer_exitsWith1AndNamesTheFile() throws IOException {
      registerBoth();
      damage();

      String line = cli.run("export", BASE_CHAIN.toString()).failed(Main.FAILED);

      assertTrue(line.contains("etc/motd"), line);
    }

    @Test
    void export_damagedLayerToAFile_leavesTheOldFile() throws IOException {
      registerBoth();
      damage();
      Path directory = Files.createDirectory(temp.resolve("out"));
      Path file = Files.writeString(directory.resolve("layer.tar"), "old");

      cli.run("export", "-o", file.toString(), BASE_CHAIN.toString()).failed(Main.FAILED);

      assertEquals("old", Files.readString(file));
      assertEquals(Set.of("", "layer.tar"), tree(directory).keySet());
    }

    @Test
    void export_fileInAMissingDirectory_fails() {
      registerBoth();
      Path file = temp.resolve("none/layer.tar");

      String line =
          cli.run("export", "-o", file.toString(), BASE_CHAIN.toString()).failed(Main.FAILED);

      assertEquals("layerstore: no such file or directory: " + file + "; check the path", line);
    }

    private void damage() throws IOException {
      String cacheId =
          Files.readString(
              root.resolve("image/vfs/layerdb/sha256")
                  .resolve(BASE_CHAIN.digest().hex())
                  .resolve("cache-id"));
      Files.writeString(root.resolve("vfs/dir").resolve(cacheId).resolve("etc/motd"), "HELLO\n");
    }
  }

  @Nested
  class Release {

    @Test
    void release_top_deletesItAndWhatOnlyItStoodOn() throws IOException {
      registerBoth();

      Cli.Result result = cli.run("release", TOP_CHAIN.toString()).succeeded();

      assertEquals(List.of(TOP_CHAIN.toString(), BASE_CHAIN.toString()), result.lines());
      assertEquals(List.of(), chainIds());
    }

    @Test
    void release_json_listsWhatWasDeleted() throws IOException {
      registerBoth();

      Map<?, ?> json = cli.run("--json", "release", TOP_CHAIN.toString()).succeeded().json();

      assertEquals(2, list(json, "deletedLayers").size());
    }

    @Test
    void release_layerUnderAnother_isRefusedAndNamesIt() throws IOException {
      registerBoth();

      String line = cli.run("release", BASE_CHAIN.toString()).failed(Main.FAILED);

      assertTrue(line.contains(TOP_CHAIN.digest().hex().substring(0, 12)), line);
      assertEquals(2, chainIds().size());
    }

    @Test
    void release_layerUnderAReadWriteLayer_isRefusedAndNamesIt() throws IOException {
      createChanged("work");

      String line = cli.run("release", BASE_CHAIN.toString()).failed(Main.FAILED);

      assertTrue(line.contains("read-write layer work"), line);
      assertEquals(1, chainIds().size());
    }

    @Test
    void release_absent_fails() {
      registerBoth();

      cli.run("release", ABSENT).failed(Main.FAILED);
    }
  }

  @Nested
  class ReadWriteLayers {

    @Test
    void create_name_printsIt() {
      assertEquals("work\n", cli.run("create", "work").succeeded().out());
    }

    @Test
    void create_nameTaken_fails() {
      cli.run("create", "work").succeeded();

      String line = cli.run("create", "work").failed(Main.FAILED);

      assertTrue(line.contains("work"), line);
    }

    @Test
    void create_nameNotAllowed_isWrongUsage() {
      cli.run("create", "../work").failed(Main.WRONG_USAGE);
    }

    @Test
    void create_json_hasTheParent() throws IOException {
      registerBoth();

      Map<?, ?> json =
          cli.run("--json", "create", "work", "--parent", TOP_CHAIN.toString()).succeeded().json();

      assertEquals("work", json.get("name"));
      assertEquals(TOP_CHAIN.toString(), json.get("parent"));
    }

    @Test
    void mount_withoutCommand_printsAPathThatStays() throws IOException {
      registerBoth();
      cli.run("create", "work", "--parent", TOP_CHAIN.toString()).succeeded();

      Path path = Path.of(cli.run("mount", "work").succeeded().out().strip());

      assertEquals("hello\n", Files.readString(path.resolve("etc/motd")));
    }

    @Test
    void mount_rootGivenRelatively_printsAPathThatWorksEverywhere() {
      Path relative = Path.of("").toAbsolutePath().relativize(root);
      Cli elsewhere = new Cli(relative);
      elsewhere.run("create", "work").succeeded();

      Path path = Path.of(elsewhere.run("mount", "work").succeeded().out().strip());

      assertTrue(path.isAbsolute() && Files.isDirectory(path), path.toString());
    }

    @Test
    void mount_json_hasThePath() throws IOException {
      cli.run("create", "work").succeeded();

      Map<?, ?> json = cli.run("--json", "mount", "work").succeeded().json();

      assertTrue(Files.isDirectory(Path.of((String) json.get("path"))));
    }

    @Test
    void mount_command_runsInTheMountAndGivesItsStatus() throws IOException {
      requireShell();
      createChanged("work");

      Cli.Result result =
          cli.run("mount", "work", "--", "/bin/sh", "-c", "cat etc/new > copied; exit 3");

      assertEquals(3, result.status());
      assertEquals("", result.err());
      assertTrue(
          cli.run("diff", "work").succeeded().lines().contains("A /copied"),
          "the command wrote it");
    }

    @Test
    void run_command_goesToDirectoriesBelowAndGivesItsStatus() throws IOException {
      requireShell();
      createChanged("work");

      Cli.Result result =
          cli.run("run", "work", "--", "/bin/sh", "-c", "cd etc && cat new > copied; exit 3");

      assertEquals(3, result.status());
      assertEquals("", result.err());
      assertTrue(
          cli.run("diff", "work").succeeded().lines().contains("A /etc/copied"),
          "the command wrote it");
    }

    @Test
    void run_chrootWithoutThatProgram_gives127() throws IOException {
      createChanged("work");

      assertEquals(127, cli.run("run", "--chroot", "work", "--", "/no/such/program").status());
    }

    @Test
    void run_chrootWithJson_printsOneDocument() throws IOException {
      createChanged("work");

      Cli.Result result = cli.run("--json", "run", "--chroot", "work", "--", "/no/such/program");

      assertEquals("work", result.json().get("name"));
      assertEquals("127", result.json().get("exitStatus"));
    }

    @Test
    void run_noCommand_isWrongUsage() throws IOException {
      createChanged("work");

      String line = cli.run("run", "work").failed(Main.WRONG_USAGE);

      assertTrue(line.contains("command"), line);
    }

    @Test
    void mount_commandWithJson_printsOneDocument() throws IOException {
      requireShell();
      cli.run("create", "work").succeeded();

      Cli.Result result =
          cli.run("--json", "mount", "work", "--", "/bin/sh", "-c", "echo said; exit 3");

      assertEquals(3, result.status());
      assertEquals("3", result.json().get("exitStatus"));
      assertEquals("said\n", result.err());
    }

    @Test
    void mount_missingCommand_fails() {
      cli.run("create", "work").succeeded();

      String line = cli.run("mount", "work", "--", "no-such-command").failed(Main.FAILED);

      assertTrue(line.contains("no-such-command"), line);
    }

    @Test
    void mountAndOthers_absentName_fail() {
      cli.run("create", "work").succeeded();

      for (String command : List.of("mount", "unmount", "diff", "commit", "rm")) {
        String line = cli.run(command, "none").failed(Main.FAILED);
        assertTrue(line.startsWith("layerstore: read-write layer does not exist: none;"), line);
      }
      String line = cli.run("run", "none", "--", "true").failed(Main.FAILED);
      assertTrue(line.contains("none"), line);
    }

    @Test
    void create_nameInUse_saysWhatHasIt() {
      cli.run("create", "work").succeeded();

      String line = cli.run("create", "work").failed(Main.FAILED);

      assertTrue(
          line.startsWith("layerstore: read-write layer already exists with name: work;"), line);
    }

    @Test
    void unmount_json_isOneDocument() throws IOException {
      cli.run("create", "work").succeeded();
      cli.run("mount", "work").succeeded();

      assertEquals("work", cli.run("--json", "unmount", "work").succeeded().json().get("name"));
    }

    @Test
    void unmount_mounted_deletesNothing() throws IOException {
      createChanged("work");

      assertEquals(
          List.of("C /etc", "D /etc/motd", "A /etc/new"),
          cli.run("diff", "work").succeeded().lines());
    }

    @Test
    void diff_json_hasKindsAndPaths() throws IOException {
      createChanged("work");

      Map<?, ?> json = cli.run("--json", "diff", "work").succeeded().json();

      assertEquals(
          List.of(
              Map.of("kind", "modified", "path", "/etc"),
              Map.of("kind", "deleted", "path", "/etc/motd"),
              Map.of("kind", "added", "path", "/etc/new")),
          json.get("changes"));
    }

    @Test
    void commit_changed_isALayerOnTheSameParent() throws IOException {
      createChanged("work");

      String[] ids = cli.run("commit", "work").succeeded().out().strip().split(" ", -1);

      assertEquals(3, ids.length);
      Map<?, ?> layer = cli.run("--json", "inspect", ids[1]).succeeded().json();
      assertEquals(ids[0], layer.get("diffId"));
      assertEquals(BASE_CHAIN.toString(), layer.get("parent"));
      assertEquals("4", ids[2]);
    }

    @Test
    void commit_sourceDateEpoch_sameLayerAtAnotherTime() throws IOException {
      createChanged("work");
      Cli then = cli.with("SOURCE_DATE_EPOCH", "1000000000");
      String first = then.run("commit", "work").succeeded().out();
      touchNew(2_000_000_000);

      assertEquals(first, then.run("commit", "work").succeeded().out());
      assertNotEquals(first, cli.run("commit", "work").succeeded().out());
    }

    @Test
    void commit_sourceDateEpochAndImage_sameImageAtAnotherTime() throws IOException {
      createChanged("work");
      Cli then = cli.with("SOURCE_DATE_EPOCH", "1000000000");
      String first = then.run("commit", "--image", "mine:1", "work").succeeded().out();
      touchNew(2_000_000_000);

      String second = then.run("commit", "--image", "mine:2", "work").succeeded().out();

      assertEquals(first, second);
      String document = cli.run("--json", "inspect", second.strip()).succeeded().out();
      assertTrue(document.contains("2001-09-09T01:46:40Z"), document);
    }

    private void touchNew(long seconds) throws IOException {
      Path mount = Path.of(cli.run("mount", "work").succeeded().out().strip());
      Files.setLastModifiedTime(
          mount.resolve("etc/new"), FileTime.from(Instant.ofEpochSecond(seconds)));
      cli.run("unmount", "work").succeeded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"commit", "export"})
    void command_sourceDateEpochThatIsNoNumber_isWrongUsage(String command) throws IOException {
      createChanged("work");

      String line =
          cli.with("SOURCE_DATE_EPOCH", "now").run(command, "work").failed(Main.WRONG_USAGE);

      assertTrue(line.contains("SOURCE_DATE_EPOCH"), line);
      assertEquals(List.of(BASE_CHAIN.toString()), chainIds());
    }

    @Test
    void commit_changed_leavesTheReadWriteLayer() throws IOException {
      createChanged("work");
      cli.run("commit", "work").succeeded();

      assertTrue(cli.run("diff", "work").succeeded().lines().contains("A /etc/new"));
    }

    @Test
    void commit_json_isOneDocument() throws IOException {
      createChanged("work");

      Map<?, ?> json = cli.run("--json", "commit", "work").succeeded().json();

      assertEquals(BASE_CHAIN.toString(), json.get("parent"));
    }

    @Test
    void rm_onALayer_deletesTheReadWriteLayerAlone() throws IOException {
      createChanged("work");

      assertEquals("work\n", cli.run("rm", "work").succeeded().out());

      assertEquals(List.of(BASE_CHAIN.toString()), chainIds());
      assertEquals(1, cli.run("rwlayers").succeeded().lines().size());
    }

    @Test
    void rm_json_isOneDocument() throws IOException {
      cli.run("create", "work").succeeded();

      assertEquals("work", cli.run("--json", "rm", "work").succeeded().json().get("name"));
    }

    @Test
    void rwlayers_two_areListedByName() throws IOException {
      registerBoth();
      cli.run("create", "b").succeeded();
      cli.run("create", "a", "--parent", TOP_CHAIN.toString()).succeeded();

      List<?> layers = list(cli.run("--json", "rwlayers").succeeded().json(), "rwLayers");

      assertEquals("a", object(layers.get(0)).get("name"));
      assertEquals(TOP_CHAIN.toString(), object(layers.get(0)).get("parent"));
      assertEquals("b", object(layers.get(1)).get("name"));
      assertEquals(3, cli.run("rwlayers").succeeded().lines().size());
    }

    @Test
    void rwlayers_storeInUse_works() throws IOException {
      cli.run("create", "work").succeeded();

      try (LayerStore store = LayerStore.builder(root).driver("vfs").open();
          RWLayer layer = store.getRWLayer("work")) {
        assertEquals("work", layer.name());
        assertEquals(2, cli.run("rwlayers").succeeded().lines().size());
      }
    }

    private void requireShell() {
      assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "needs /bin/sh");
    }
  }

  @Nested
  class Info {

    @Test
    void info_store_showsTheDriverAndTheCounts() {
      registerBoth();
      cli.run("create", "work").succeeded();

      List<String> lines = cli.run("info").succeeded().lines();

      assertTrue(lines.contains("Root: " + root), lines.toString());
      assertTrue(lines.contains("Driver: vfs"), lines.toString());
      assertTrue(lines.contains("Layers: 2 (10 B)"), lines.toString());
      assertTrue(lines.contains("Read-write layers: 1"), lines.toString());
      assertTrue(lines.contains("Recovery: nothing to do"), lines.toString());
    }

    @Test
    void info_json_isOneDocument() throws IOException {
      registerBoth();

      Map<?, ?> json = cli.run("--json", "info").succeeded().json();

      assertEquals("vfs", json.get("driver"));
      assertNotEquals("", json.get("reason"));
      assertEquals("2", json.get("layers"));
      assertEquals(List.of(), json.get("recovery"));
    }

    @Test
    void info_storeInUse_readsIt() throws IOException {
      registerBoth();

      try (LayerStore store = LayerStore.builder(root).driver("vfs").open()) {
        List<String> lines = cli.run("info").succeeded().lines();

        assertTrue(lines.contains("Layers: 2 (10 B)"), lines.toString());
        assertFalse(store.isReadOnly());
      }
    }

    @Test
    void info_readOnly_changesNothing() throws IOException {
      registerBoth();
      Files.createDirectories(root.resolve("image/vfs/layerdb/tmp/write-set-1"));
      Map<String, String> before = tree(root);

      cli.run("--read-only", "info").succeeded();

      assertEquals(before, tree(root));
    }

    @Test
    void info_damagedLayer_reportsIt() throws IOException {
      registerBoth();
      Path layer = root.resolve("image/vfs/layerdb/sha256").resolve(TOP_CHAIN.digest().hex());
      Files.writeString(layer.resolve("diff"), "nonsense");

      List<String> lines = cli.run("info").succeeded().lines();

      assertTrue(lines.stream().anyMatch(line -> line.contains("DAMAGED_LAYER")), lines.toString());
    }

    @Test
    void info_unknownDriver_fails() {
      registerBoth();

      String line =
          Cli.runPlain(new byte[0], "--root", root.toString(), "--driver", "zfs", "info")
              .failed(Main.FAILED);

      assertTrue(line.contains("zfs"), line);
    }

    @Test
    void info_unknownDriverOption_fails() {
      registerBoth();

      Cli.Result result = cli.run("--driver-opt", "no.such=1", "info");

      assertNotEquals(0, result.status());
      assertTrue(result.err().contains("no.such"), result.err());
      assertEquals(1, result.err().lines().count(), result.err());
    }
  }

  @Nested
  class Df {

    @Test
    void df_layersWithoutImage_haveNone() throws IOException {
      registerBoth();

      Map<?, ?> json = cli.run("--json", "df").succeeded().json();

      Map<String, String> images = new TreeMap<>();
      for (Object layer : list(json, "layers")) {
        images.put((String) object(layer).get("chainId"), (String) object(layer).get("images"));
      }
      assertEquals(Map.of(BASE_CHAIN.toString(), "0", TOP_CHAIN.toString(), "0"), images);
      assertEquals("10", json.get("totalSizeBytes"));
    }

    @Test
    void df_readWriteLayer_countsWhatWasWritten() throws IOException {
      createChanged("work");

      Map<?, ?> json = cli.run("--json", "df").succeeded().json();

      Map<?, ?> work = object(list(json, "rwLayers").get(0));
      assertEquals("work", work.get("name"));
      assertTrue(Long.parseLong((String) work.get("sizeBytes")) >= 4, json.toString());
    }

    @Test
    void df_text_endsWithTheTotals() {
      registerBoth();

      List<String> lines = cli.run("df").succeeded().lines();

      assertTrue(lines.get(lines.size() - 2).matches("total +10 B"), lines.toString());
      assertTrue(lines.get(lines.size() - 1).matches("reclaimable +10 B"), lines.toString());
    }
  }

  /** Every path below {@code directory} with its content. */
  private static Map<String, String> tree(Path directory) throws IOException {
    Map<String, String> tree = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(directory)) {
      paths.forEach(
          path -> {
            try {
              BasicFileAttributes attributes =
                  Files.readAttributes(path, BasicFileAttributes.class);
              String content =
                  attributes.isRegularFile()
                      ? Digest.sha256Of(Files.readAllBytes(path)).toString()
                      : "";
              tree.put(directory.relativize(path).toString(), content);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
    return tree;
  }
}
