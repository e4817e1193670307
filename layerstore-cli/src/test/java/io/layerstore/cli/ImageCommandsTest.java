package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Digest;
import io.layerstore.ImageId;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every command about images on a real store with the vfs driver, and the image of the demo. */
final class ImageCommandsTest {
  @TempDir private Path temp;
  private Cli cli;
  private Path archive;
  private String id;

  @BeforeEach
  void prepare() throws IOException {
    cli = new Cli(temp.resolve("root"));
    archive = Files.write(temp.resolve("image.tar"), Sample.image());
    id = ImageId.of(Sample.config()).toString();
  }

  private void load() {
    cli.run("load", archive.toString()).succeeded();
  }

  /** An image of one layer, with no name. */
  private String importUnnamed() throws IOException {
    byte[] layer = new TarBuilder().file("only", "here\n").end().toBytes();
    return cli.run(layer, "import", "-").succeeded().out().strip();
  }

  @Test
  void quiet_imagesLoadedListedAndDeleted_idsAlone() throws IOException {
    assertEquals(id + "\n", cli.run("load", "-q", archive.toString()).succeeded().out());
    assertEquals(id + "\n", cli.run("images", "--quiet").succeeded().out());
    cli.run("tag", id, "second:1").succeeded();
    assertEquals(id + "\n", cli.run("-q", "images").succeeded().out());
    assertEquals("second:1\n", cli.run("rmi", "-q", "second:1").succeeded().out());

    String unnamed = importUnnamed();
    List<String> planned = cli.run("prune", "-q", "--dry-run").succeeded().lines();
    assertEquals(unnamed, planned.get(0));
    assertEquals(planned, cli.run("prune", "-q").succeeded().lines());

    List<String> deleted = cli.run("rmi", "-q", id).succeeded().lines();
    assertEquals(List.of(Sample.REFERENCE, id), deleted.subList(0, 2));
    deleted.subList(1, deleted.size()).forEach(line -> assertTrue(line.matches("sha256:.{64}")));
  }

  /** Makes BuildKit's cache refer to the lowest layer, and returns its chain ID. */
  private String holdLowestLayer() throws IOException {
    String lowest =
        list(cli.run("layers", "--json").succeeded().json().get("layers")).stream()
            .map(ImageCommandsTest::object)
            .filter(layer -> layer.get("parent") == null)
            .map(layer -> String.valueOf(layer.get("chainId")))
            .findFirst()
            .orElseThrow();
    Files.createDirectories(cli.root().resolve("buildkit"));
    Files.writeString(cli.root().resolve("buildkit/snapshots.db"), "chainid" + lowest);
    return lowest;
  }

  private List<?> images() throws IOException {
    if (!Files.exists(cli.root())) {
      // A command that failed has taken the store it made away again.
      return List.of();
    }
    return assertInstanceOf(
        List.class, cli.run("images", "--json").succeeded().json().get("images"));
  }

  private static Map<?, ?> object(Object value) {
    return assertInstanceOf(Map.class, value);
  }

  private static List<?> list(Object value) {
    return assertInstanceOf(List.class, value);
  }

  @Nested
  class Load {

    @Test
    void load_file_printsIdAndReferences() {
      assertEquals(
          id + " " + Sample.REFERENCE + "\n",
          cli.run("load", archive.toString()).succeeded().out());
    }

    @Test
    void load_verifyExisting_healsDamagedContent() throws IOException {
      load();
      Path file = fileOfTheTopLayer();
      byte[] content = Files.readAllBytes(file);
      byte[] changed = content.clone();
      changed[0] ^= 1;
      Files.write(file, changed);
      cli.run("load", "--verify-existing", archive.toString()).succeeded();
      assertArrayEquals(content, Files.readAllBytes(fileOfTheTopLayer()));
    }

    /** The largest file that one layer alone has: the layers above would have copies of it. */
    private Path fileOfTheTopLayer() throws IOException {
      Path layers = temp.resolve("root/vfs/dir");
      try (Stream<Path> files = Files.walk(layers)) {
        return files
            .filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS))
            .collect(
                Collectors.groupingBy(
                    path ->
                        layers
                            .relativize(path)
                            .subpath(1, path.getNameCount() - layers.getNameCount())))
            .values()
            .stream()
            .filter(copies -> copies.size() == 1)
            .map(copies -> copies.get(0))
            .max(Comparator.comparing((Path path) -> path.toFile().length()))
            .orElseThrow();
      }
    }

    @Test
    void load_standardInput_isTheSame() throws IOException {
      assertEquals(
          id + " " + Sample.REFERENCE + "\n",
          cli.run(Sample.image(), "load", "-").succeeded().out());
    }

    @Test
    void load_directory_takesTheLayout() {
      load();
      Path layout = temp.resolve("layout");
      cli.run("save", "--format", "oci", "-o", layout + "/", Sample.REFERENCE).succeeded();
      Cli other = new Cli(temp.resolve("other"));

      assertEquals(
          id + " " + Sample.REFERENCE + "\n",
          other.run("load", layout.toString()).succeeded().out());
    }

    @Test
    void load_tag_namesTheImageWithoutAName() {
      load();
      Path saved = temp.resolve("saved.tar");
      cli.run("save", "-o", saved.toString(), id).succeeded();
      Cli other = new Cli(temp.resolve("other"));

      assertEquals(
          id + " mine:latest\n",
          other.run("load", "--tag", "mine", saved.toString()).succeeded().out());
    }

    @Test
    void load_tagAndNothingToName_failsAndSaysWhatToDo() {
      String line = cli.run("load", "--tag", "mine", archive.toString()).failed(Main.FAILED);
      assertTrue(line.contains("mine:latest cannot name one; load it without"), line);
    }

    @Test
    void load_platformTheImageIsNotFor_failsAndSaysForWhichItIs() {
      String line =
          cli.run("load", "--platform", "linux/s390x", archive.toString()).failed(Main.FAILED);
      assertTrue(line.contains("is for linux/amd64 and not for linux/s390x"), line);
      assertTrue(line.contains("nothing was added"), line);
    }

    @Test
    void load_imageListedTwiceUnderOneName_saysWhoHasIt() throws IOException {
      byte[] layer = new TarBuilder().file("a", "a").end().toBytes();
      SampleImage one = SampleImage.of(layer);
      SampleImage two = SampleImage.of("arm64", List.of(layer), "");
      Path file =
          ImageFiles.docker(
                  List.of(one, two), ImageFiles.item(one, "a:1"), ImageFiles.item(two, "a:1"))
              .writeTar(temp.resolve("two.tar"));
      Cli.Result result = cli.run("load", file.toString());
      assertEquals(0, result.status());
      assertEquals(one.id() + "\n" + two.id() + " a:1\n", result.out());
      assertTrue(result.err().contains("is that of several images"), result.err());
    }

    @Test
    void load_json_listsTheNewLayers() throws IOException {
      Map<?, ?> json = cli.run("--json", "load", archive.toString()).succeeded().json();

      Map<?, ?> image = object(list(json.get("images")).get(0));
      assertEquals(id, image.get("id"));
      assertEquals(List.of(Sample.REFERENCE), image.get("references"));
      assertEquals(3, list(image.get("newLayers")).size());
    }

    @Test
    void load_twice_addsNothing() throws IOException {
      load();
      Map<?, ?> json = cli.run("--json", "load", archive.toString()).succeeded().json();

      assertEquals(List.of(), object(list(json.get("images")).get(0)).get("newLayers"));
      assertEquals(1, images().size());
    }

    @Test
    void load_movedTag_isSaidOnTheErrorOutput() throws IOException {
      String other = importUnnamed();
      cli.run("tag", other, Sample.REFERENCE).succeeded();

      Cli.Result result = cli.run("load", archive.toString());

      assertEquals(0, result.status());
      assertTrue(result.err().contains(Sample.REFERENCE), result.err());
      assertEquals(1, result.err().lines().count(), result.err());
    }

    @Test
    void load_noImageArchive_failsAndNamesTheFile() throws IOException {
      Path layer = Files.write(temp.resolve("layer.tar"), Sample.layer(0));

      String line = cli.run("load", layer.toString()).failed(Main.FAILED);

      assertTrue(line.contains("layer.tar"), line);
      assertEquals(List.of(), images());
    }

    @ParameterizedTest
    @CsvSource({
      "'<!DOCTYPE html><title>404</title>', an HTML page",
      "'{\"errors\":[]}', a JSON document",
      "'PK\u0003\u0004\u0014\u0000', a zip file",
    })
    void load_somethingElse_saysWhatItLooksLike(String content, String expected)
        throws IOException {
      Path file = Files.writeString(temp.resolve("image.tar"), content);
      String line = cli.run("load", file.toString()).failed(Main.FAILED);
      assertTrue(
          line.contains(
              file + " cannot be loaded: not an image archive: it looks like " + expected),
          line);
    }

    @Test
    void load_damagedArchive_namesTheFile() throws IOException {
      Path file = Files.write(temp.resolve("image.tar"), new byte[] {1, 2, 3});
      String line = cli.run("load", file.toString()).failed(Main.FAILED);
      assertTrue(line.contains(file + " cannot be loaded: "), line);
    }

    @Test
    void load_absentFile_fails() {
      String line = cli.run("load", temp.resolve("none").toString()).failed(Main.FAILED);

      assertTrue(line.contains("none"), line);
    }
  }

  @Nested
  class Save {

    @Test
    void save_help_saysWhatLoadsWhere() {
      String help = cli.run("save", "--help").succeeded().out().replaceAll("\\s+", " ");
      assertTrue(help.contains("a dockerd on a graph driver (overlay2, vfs) cannot"), help);
      assertTrue(help.contains("zstd needs dockerd 23 or later"), help);
    }

    @Test
    void save_file_loadsElsewhereAsTheSameImage() {
      load();
      Path saved = temp.resolve("saved.tar");
      assertEquals("", cli.run("save", "-o", saved.toString(), Sample.REFERENCE).succeeded().out());
      Cli other = new Cli(temp.resolve("other"));

      assertEquals(
          id + " " + Sample.REFERENCE + "\n",
          other.run("load", saved.toString()).succeeded().out());
    }

    @Test
    void save_standardOutput_isTheSameBytes() throws IOException {
      load();
      Path saved = temp.resolve("saved.tar");
      cli.run("save", "-o", saved.toString(), Sample.REFERENCE).succeeded();

      assertArrayEquals(
          Files.readAllBytes(saved),
          cli.run("save", "-o", "-", Sample.REFERENCE).succeeded().bytes().toByteArray());
    }

    @Test
    void save_compressed_isSmaller() throws IOException {
      load();
      Path plain = temp.resolve("plain.tar");
      Path gzip = temp.resolve("gzip.tar");
      cli.run("save", "-o", plain.toString(), Sample.REFERENCE).succeeded();
      cli.run("save", "--compress", "gzip", "-o", gzip.toString(), Sample.REFERENCE).succeeded();

      assertTrue(Files.size(gzip) < Files.size(plain));
    }

    @Test
    void save_fileInAMissingDirectory_namesIt() {
      load();
      Path file = temp.resolve("none/saved.tar");

      String line = cli.run("save", "-o", file.toString(), "layerstore/sample").failed(Main.FAILED);

      assertTrue(line.endsWith("no such file or directory: " + file + "; check the path"), line);
    }

    @Test
    void save_directoryWithFiles_saysToEmptyIt() {
      load();

      String line = cli.run("save", "-o", temp.toString(), "layerstore/sample").failed(Main.FAILED);

      assertTrue(line.contains("the directory is not empty: " + temp), line);
    }

    @Test
    void save_absentImage_failsAndLeavesNoFile() {
      load();
      Path saved = temp.resolve("saved.tar");

      String line = cli.run("save", "-o", saved.toString(), "no-such").failed(Main.FAILED);

      assertTrue(line.contains("no-such"), line);
      assertFalse(Files.exists(saved));
    }
  }

  @Nested
  class Images {

    @Test
    void images_text_hasALineForEachReference() {
      load();
      cli.run("tag", Sample.REFERENCE, "example.com/other:1").succeeded();

      List<String> lines = cli.run("images").succeeded().lines();

      assertEquals(3, lines.size());
      assertTrue(lines.get(1).startsWith("example.com/other:1 "), lines.toString());
      assertTrue(lines.get(2).startsWith(Sample.REFERENCE + " "), lines.toString());
      assertTrue(lines.get(2).contains(" " + id.substring(7, 19) + " "), lines.toString());
    }

    @Test
    void images_withoutReference_isShownToo() throws IOException {
      String unnamed = importUnnamed();

      List<String> lines = cli.run("images").succeeded().lines();

      assertTrue(lines.get(1).startsWith("<none> "), lines.toString());
      assertTrue(lines.get(1).contains(unnamed.substring(7, 19)), lines.toString());
    }

    @Test
    void images_json_hasTheSizeOfAllLayers() throws IOException {
      load();

      Map<?, ?> image = object(images().get(0));

      long sum = 0;
      Map<?, ?> layers = cli.run("--json", "layers").succeeded().json();
      for (Object layer : list(layers.get("layers"))) {
        sum += Long.parseLong((String) object(layer).get("diffSizeBytes"));
      }
      assertEquals(String.valueOf(sum), image.get("sizeBytes"));
    }
  }

  @Nested
  class Tag {

    @Test
    void tag_shortName_isNormalised() throws IOException {
      load();

      cli.run("tag", id.substring(7, 19), "docker.io/library/mine").succeeded();

      assertEquals(
          List.of(Sample.REFERENCE, "mine:latest"), object(images().get(0)).get("references"));
    }

    @Test
    void tag_absentImage_fails() {
      load();

      String line = cli.run("tag", "no-such", "mine").failed(Main.FAILED);

      assertTrue(line.contains("no-such"), line);
    }
  }

  @Nested
  class Rmi {

    @Test
    void rmi_lastReference_deletesImageAndLayers() throws IOException {
      load();

      List<String> lines = cli.run("rmi", Sample.REFERENCE).succeeded().lines();

      assertEquals("untagged " + Sample.REFERENCE, lines.get(0));
      assertEquals("deleted " + id, lines.get(1));
      assertEquals(5, lines.size());
      assertEquals(List.of(), images());
      assertEquals(List.of(), cli.run("layers", "--json").succeeded().json().get("layers"));
    }

    @Test
    void rmi_layerInTheCacheOfBuildKit_staysAndIsSaid() throws IOException {
      load();
      String held = holdLowestLayer();

      Cli.Result result = cli.run("rmi", Sample.REFERENCE);

      assertEquals(0, result.status());
      assertEquals(4, result.lines().size());
      assertFalse(result.out().contains(held), result.out());
      assertTrue(result.err().contains("buildkit/snapshots.db"), result.err());
      assertTrue(result.err().contains("docker builder prune"), result.err());
      String line = cli.run("release", held).failed(Main.FAILED);
      assertTrue(line.contains("buildkit/snapshots.db"), line);
    }

    @Test
    void rmi_oneOfTwoReferences_onlyUntags() throws IOException {
      load();
      cli.run("tag", Sample.REFERENCE, "mine").succeeded();

      assertEquals("untagged mine:latest\n", cli.run("rmi", "mine").succeeded().out());
      assertEquals(1, images().size());
    }

    @Test
    void rmi_idWithSeveralReferences_isRefusedUnlessForced() throws IOException {
      load();
      cli.run("tag", Sample.REFERENCE, "mine").succeeded();

      String line = cli.run("rmi", id).failed(Main.FAILED);

      assertTrue(line.contains("mine:latest"), line);
      cli.run("rmi", "--force", id).succeeded();
      assertEquals(List.of(), images());
    }

    @Test
    void rmi_nameOfAParent_onlyUntags() throws IOException {
      load();
      cli.run("create", "work", "--parent", id).succeeded();
      cli.run("commit", "--image", "mine", "work").succeeded();
      cli.run("rm", "work").succeeded();

      String out = cli.run("rmi", Sample.REFERENCE).succeeded().out();

      assertEquals("untagged " + Sample.REFERENCE + "\n", out);
      assertEquals(2, images().size());
    }

    @Test
    void rmi_imageUnderReadWriteLayer_isRefusedAndNamesIt() throws IOException {
      load();
      cli.run("create", "work", "--parent", Sample.REFERENCE).succeeded();

      String line = cli.run("rmi", Sample.REFERENCE).failed(Main.FAILED);

      assertTrue(line.contains("work"), line);
      assertEquals(1, images().size());
    }

    @Test
    void rmi_secondIsAbsent_saysWhatHappenedToTheFirst() throws IOException {
      load();

      Cli.Result result = cli.run("rmi", Sample.REFERENCE, "no-such");

      assertEquals(Main.FAILED, result.status());
      assertTrue(result.out().contains("deleted " + id), result.out());
      assertTrue(result.err().contains("no-such"), result.err());
    }
  }

  @Nested
  class Import {

    @Test
    void import_changesAndName_areInTheImage() throws IOException {
      Path layer = Files.write(temp.resolve("rootfs.tar"), Sample.layer(0));

      String imported =
          cli.run(
                  "import",
                  "--message",
                  "from a tar",
                  "--change",
                  "CMD [\"/bin/sh\"]",
                  "--change",
                  "ENV A=b",
                  layer.toString(),
                  "base:1")
              .succeeded()
              .out()
              .strip();

      Map<?, ?> json = cli.run("--json", "inspect", "base:1").succeeded().json();
      assertEquals(imported, json.get("id"));
      Map<?, ?> config = object(object(json.get("config")).get("config"));
      assertEquals(List.of("/bin/sh"), config.get("Cmd"));
      assertEquals(List.of("A=b"), config.get("Env"));
    }

    @Test
    void import_notAnArchive_failsAndNamesTheFile() throws IOException {
      Path file = Files.writeString(temp.resolve("text"), "no archive".repeat(100));

      String line = cli.run("import", file.toString()).failed(Main.FAILED);

      assertTrue(line.contains("text"), line);
      assertEquals(List.of(), images());
    }

    @Test
    void import_unknownInstruction_isRefused() throws IOException {
      Path layer = Files.write(temp.resolve("rootfs.tar"), Sample.layer(0));

      Cli.Result result = cli.run("import", "--change", "RUN ls", layer.toString());

      assertNotEquals(0, result.status());
      assertTrue(result.err().contains("RUN"), result.err());
      assertEquals(List.of(), images());
    }
  }

  @Nested
  class Commit {

    @Test
    void commit_image_hasOneLayerMoreAndAParent() throws IOException {
      load();
      cli.run("create", "work", "--parent", Sample.REFERENCE).succeeded();
      Path mount = Path.of(cli.run("mount", "work").succeeded().out().strip());
      Files.writeString(mount.resolve("added"), "added\n");
      cli.run("unmount", "work").succeeded();

      String committed =
          cli.run("commit", "--image", "mine:2", "--author", "me", "--message", "why", "work")
              .succeeded()
              .out()
              .strip();

      Map<?, ?> json = cli.run("--json", "inspect", "mine:2").succeeded().json();
      assertEquals(committed, json.get("id"));
      assertEquals(id, json.get("parent"));
      assertEquals(4, list(json.get("diffIds")).size());
      assertEquals("me", object(json.get("config")).get("author"));
    }
  }

  @Nested
  class History {

    @Test
    void history_text_hasTheLatestStepFirst() throws IOException {
      load();
      cli.run("create", "work", "--parent", id).succeeded();
      cli.run("commit", "--image", "mine", "--message", "the latest", "work").succeeded();

      List<String> lines = cli.run("history", "mine").succeeded().lines();

      assertTrue(lines.get(1).contains("the latest"), lines.toString());
    }

    @Test
    void history_json_namesTheLayersFromTheTop() throws IOException {
      load();

      Map<?, ?> json = cli.run("--json", "history", Sample.REFERENCE).succeeded().json();

      List<String> diffIds =
          list(json.get("history")).stream()
              .map(step -> object(step).get("diffId"))
              .filter(String.class::isInstance)
              .map(String.class::cast)
              .toList();
      assertEquals(3, diffIds.size());
      assertEquals(Digest.sha256Of(Sample.layer(0)).toString(), diffIds.get(2));
    }
  }

  @Nested
  class Inspect {

    @Test
    void inspect_image_showsItsConfiguration() throws IOException {
      load();

      String out = cli.run("inspect", Sample.REFERENCE).succeeded().out();

      assertTrue(out.contains("Image ID: " + id + "\n"), out);
      assertTrue(out.contains("diff_ids"), out);
    }

    @Test
    void inspect_shortImageId_isFound() throws IOException {
      load();

      Map<?, ?> json = cli.run("--json", "inspect", id.substring(7, 19)).succeeded().json();

      assertEquals("image", json.get("type"));
      assertEquals(id, json.get("id"));
    }
  }

  @Nested
  class Prune {

    @Test
    void prune_dryRun_deletesNothing() throws IOException {
      String unnamed = importUnnamed();

      List<String> lines = cli.run("prune", "--dry-run").succeeded().lines();

      assertTrue(lines.contains("would be deleted " + unnamed), lines.toString());
      assertEquals(1, images().size());
    }

    @Test
    void prune_default_deletesWhatHasNoName() throws IOException {
      load();
      String unnamed = importUnnamed();

      List<String> lines = cli.run("prune").succeeded().lines();

      assertTrue(lines.contains("deleted " + unnamed), lines.toString());
      assertEquals(id, object(images().get(0)).get("id"));
      assertEquals(1, images().size());
    }

    @Test
    void prune_all_leavesNothingUnused() throws IOException {
      load();
      importUnnamed();

      cli.run("prune", "--all", "--layers").succeeded();

      assertEquals(List.of(), images());
      assertEquals(List.of(), cli.run("layers", "--json").succeeded().json().get("layers"));
    }

    @Test
    void prune_layerInTheCacheOfBuildKit_staysAndIsSaid() throws IOException {
      load();
      String held = holdLowestLayer();

      for (String option : List.of("--dry-run", "--json")) {
        Cli.Result result = cli.run("prune", "--all", "--layers", option);

        assertEquals(0, result.status());
        assertFalse(result.out().contains("deleted " + held), result.out());
        assertTrue(result.err().contains("1 layer with"), result.err());
        assertTrue(result.err().contains("buildkit/snapshots.db"), result.err());
      }
    }

    @Test
    void prune_all_sparesWhatAReadWriteLayerNeeds() throws IOException {
      load();
      cli.run("create", "work", "--parent", Sample.REFERENCE).succeeded();

      cli.run("prune", "--all", "--layers").succeeded();

      assertEquals(1, images().size());
    }
  }

  @Nested
  class DiskFree {

    @Test
    void df_layerInTheCacheOfBuildKit_isShownAsHeld() throws IOException {
      load();
      String held = holdLowestLayer();

      String line =
          cli.run("df").succeeded().lines().stream()
              .filter(each -> each.startsWith(held.substring(7, 19)))
              .findFirst()
              .orElseThrow();
      assertTrue(line.endsWith("BuildKit's cache (buildkit/snapshots.db)"), line);
    }

    @Test
    void df_image_showsSharedAndUnique() throws IOException {
      load();
      cli.run("create", "work", "--parent", id).succeeded();
      Path mount = Path.of(cli.run("mount", "work").succeeded().out().strip());
      Files.writeString(mount.resolve("added"), "0123456789");
      cli.run("unmount", "work").succeeded();
      String committed = cli.run("commit", "--image", "mine", "work").succeeded().out().strip();

      Map<?, ?> json = cli.run("--json", "df").succeeded().json();

      for (Object each : list(json.get("images"))) {
        Map<?, ?> image = object(each);
        long size = Long.parseLong((String) image.get("sizeBytes"));
        long shared = Long.parseLong((String) image.get("sharedBytes"));
        long unique = Long.parseLong((String) image.get("uniqueBytes"));
        assertEquals(size, shared + unique);
        assertEquals(image.get("id").equals(committed), unique > 0, image.toString());
      }
    }
  }

  @Nested
  class Json {

    @Test
    void tag_json_hasBothNames() throws IOException {
      load();
      Map<?, ?> json = cli.run("--json", "tag", Sample.REFERENCE, "other:1").succeeded().json();

      assertEquals("other:1", json.get("reference"));
      assertEquals(id, json.get("id"));
    }

    @Test
    void rmi_json_listsWhatWentAway() throws IOException {
      load();
      Map<?, ?> json = cli.run("--json", "rmi", Sample.REFERENCE).succeeded().json();

      assertEquals(List.of(Sample.REFERENCE), json.get("untagged"));
      assertEquals(List.of(id), json.get("deletedImages"));
      assertEquals(3, list(json.get("deletedLayers")).size());
    }

    @Test
    void import_json_isTheImage() throws IOException {
      byte[] layer = new TarBuilder().file("only", "here\n").end().toBytes();
      Map<?, ?> json = cli.run(layer, "--json", "import", "-", "mine:1").succeeded().json();

      assertEquals(List.of("mine:1"), json.get("references"));
      assertEquals(1, list(json.get("diffIds")).size());
    }

    @Test
    void commit_jsonAndImage_isTheImage() throws IOException {
      load();
      cli.run("create", "work", "--parent", Sample.REFERENCE).succeeded();
      Map<?, ?> json = cli.run("--json", "commit", "--image", "mine:1", "work").succeeded().json();

      assertEquals(List.of("mine:1"), json.get("references"));
      assertEquals(id, json.get("parent"));
    }

    @Test
    void save_json_saysWhere() throws IOException {
      load();
      String file = temp.resolve("saved.tar").toString();
      Map<?, ?> json = cli.run("--json", "save", "-o", file, Sample.REFERENCE).succeeded().json();

      assertEquals(file, json.get("file"));
      assertEquals(List.of(Sample.REFERENCE), json.get("images"));
    }

    @Test
    void prune_json_saysWhetherItWasDone() throws IOException {
      String unnamed = importUnnamed();
      Map<?, ?> plan = cli.run("--json", "prune", "--dry-run").succeeded().json();
      Map<?, ?> deed = cli.run("--json", "prune").succeeded().json();

      assertEquals(List.of("true", "false"), List.of(plan.get("dryRun"), deed.get("dryRun")));
      assertEquals(List.of(unnamed), plan.get("deletedImages"));
      assertEquals(List.of(unnamed), deed.get("deletedImages"));
    }
  }
}
