package io.layerstore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.testing.Canary;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.Machine;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that show and copy files of an image, from a store and from an archive alike. */
final class FileCommandsTest {
  @TempDir private Path temp;
  private Cli cli;
  private Path archive;
  private Canary canary;

  @BeforeEach
  void prepare() throws IOException {
    cli = new Cli(temp.resolve("root"));
    canary = Canary.create(temp.resolve("outside"));
    archive = write("image.tar", "old", image("old"));
  }

  private Path write(String name, String tag, SampleImage image) throws IOException {
    return ImageFiles.docker(image, "test:" + tag).writeTar(temp.resolve(name));
  }

  private SampleImage image(String text) {
    byte[] base =
        new TarBuilder()
            .directory("etc/")
            .file("etc/same", "same")
            .file("etc/text", text)
            .file("etc/" + text, "only here")
            .symlink("etc/link", "text")
            .symlink("out", canary.directory().toString())
            .symlink("etc/host", canary.directory().resolve("canary").toString())
            .header(TarHeaderBlock.named("null").type('3').device(1, 3))
            .directory("d/")
            .file(TarHeaderBlock.named("d/f").mode(0640).modified(1_500_000_000), "f")
            .hardLink("d/g", "d/f")
            .end()
            .toBytes();
    return SampleImage.of(base);
  }

  private void load() {
    cli.run("load", archive.toString()).succeeded();
  }

  @Test
  void ls_ofStoreAndArchive_same() {
    load();
    List<String> names = List.of("d", "etc", "null", "out");
    assertEquals(names, cli.run("ls", "test:old").succeeded().lines());
    assertEquals(names, cli.run("ls", archive.toString()).succeeded().lines());
  }

  @Test
  void ls_archiveWithoutAStore_needsNone() {
    assertEquals(List.of("f", "g"), cli.run("ls", archive.toString(), "d").succeeded().lines());
    assertFalse(Files.exists(temp.resolve("root")));
  }

  @Test
  void ls_longAndRecursive_showsAttributes() {
    List<String> lines = cli.run("ls", "-lR", archive.toString()).succeeded().lines();
    assertTrue(lines.contains("/d:"), lines.toString());
    assertTrue(
        lines.stream().anyMatch(line -> line.matches("lrwxrwxrwx .* link -> text")),
        lines.toString());
    assertTrue(
        lines.stream().anyMatch(line -> line.matches("crw-r--r-- .* null")), lines.toString());
  }

  @Test
  void ls_whatIsMissing_fails() {
    cli.run("ls", archive.toString(), "/none").failed(1);
    cli.run("ls", temp.resolve("none.tar").toString()).failed(1);
    load();
    cli.run("ls", "nothing:1").failed(1);
  }

  @Test
  void ls_json_hasAllThatIsKnown() throws IOException {
    Map<?, ?> json = cli.run("--json", "ls", archive.toString(), "/d").succeeded().json();
    Map<?, ?> first = (Map<?, ?>) ((List<?>) json.get("entries")).get(0);
    assertEquals("/d/f", first.get("path"));
    assertEquals("file", first.get("type"));
    assertTrue(String.valueOf(first.get("diffId")).startsWith("sha256:"));
  }

  @Test
  void cat_throughLink_printsTheFile() {
    assertEquals("old", cli.run("cat", archive.toString(), "/etc/link").succeeded().out());
  }

  @Test
  void cat_linkOutOfTheImage_neverLeavesIt() {
    cli.run("cat", archive.toString(), "/etc/host").failed(1);
    cli.run("cat", archive.toString(), "/out/canary").failed(1);
  }

  @Test
  void cat_whatIsNoFile_saysWhatItIs() {
    String error = cli.run("cat", archive.toString(), "/etc").failed(1);
    assertTrue(error.contains("/etc is a directory"), error);
    error = cli.run("cat", archive.toString(), "/etc/same/x").failed(1);
    assertTrue(error.contains("not a directory"), error);
  }

  @Test
  void cat_json_isBase64() throws IOException {
    Map<?, ?> json = cli.run("--json", "cat", archive.toString(), "/etc/same").succeeded().json();
    assertArrayEquals(
        "same".getBytes(UTF_8), Base64.getDecoder().decode(String.valueOf(json.get("content"))));
  }

  @Test
  void tree_showsWhatIsBelow() {
    List<String> lines = cli.run("tree", archive.toString()).succeeded().lines();
    assertEquals("/", lines.get(0));
    assertTrue(lines.contains("│   ├── f") || lines.contains("│   └── g"), lines.toString());
    assertTrue(lines.get(lines.size() - 1).startsWith("└── out -> "), lines.toString());
  }

  @Test
  void cp_ofDirectory_copiesLinksTimesAndModes() throws IOException {
    Path target = Files.createDirectory(temp.resolve("target"));
    cli.run("cp", archive + ":/d", target.toString()).succeeded();
    assertEquals("f", Files.readString(target.resolve("d/f")));
    assertTrue(Files.isSameFile(target.resolve("d/f"), target.resolve("d/g")));
    assertEquals(
        TarHeaderBlock.MODIFIED,
        Files.getLastModifiedTime(target.resolve("d/f")).toMillis() / 1000);
  }

  @Test
  void cp_ofEverything_staysInTheDestination() throws IOException {
    Path target = Files.createDirectory(temp.resolve("target"));
    assertEquals(0, cli.run("cp", archive + ":/", target.toString()).status());
    assertTrue(Files.isSymbolicLink(target.resolve("out")));
    assertFalse(Files.exists(target.resolve("null"), LinkOption.NOFOLLOW_LINKS));
    canary.assertUntouched();
    // Again, onto what is there now.
    assertEquals(0, cli.run("cp", archive + ":/", target.toString()).status());
    canary.assertUntouched();
  }

  @Test
  void cp_ontoLinkInTheDestination_replacesOrRefusesIt() throws IOException {
    Path target = Files.createDirectory(temp.resolve("target"));
    Files.createSymbolicLink(target.resolve("same"), canary.directory().resolve("canary"));
    cli.run("cp", archive + ":/etc/same", target.toString()).succeeded();
    assertFalse(Files.isSymbolicLink(target.resolve("same")));
    Files.createSymbolicLink(target.resolve("d"), canary.directory());
    cli.run("cp", archive + ":/d", target.toString()).failed(1);
    canary.assertUntouched();
  }

  @Test
  void cp_ofFile_takesTheNewName() throws IOException {
    load();
    cli.run("cp", "test:old:/etc/text", temp.resolve("copy").toString()).succeeded();
    assertEquals("old", Files.readString(temp.resolve("copy")));
  }

  @Test
  void cp_link_isItselfOrWithAnOptionWhatItLeadsTo() throws IOException {
    Path target = Files.createDirectory(temp.resolve("target"));
    cli.run("cp", archive + ":/etc/link", target.toString()).succeeded();
    assertTrue(Files.isSymbolicLink(target.resolve("link")));
    cli.run("cp", "-L", archive + ":/etc/link", target.toString()).succeeded();
    assertFalse(Files.isSymbolicLink(target.resolve("link")));
    assertEquals("old", Files.readString(target.resolve("link")));
    cli.run("cp", "-L", archive + ":/etc/host", target.toString()).failed(1);
  }

  @Test
  void cp_dotAtTheEnd_copiesWhatIsInTheDirectory() throws IOException {
    Path target = Files.createDirectory(temp.resolve("target"));
    cli.run("cp", archive + ":/d/.", target.toString()).succeeded();
    assertEquals("f", Files.readString(target.resolve("f")));
    assertFalse(Files.exists(target.resolve("d")));
  }

  @Test
  void cp_ownersAndSpecialBits_areSetWhereTheUserMay() throws IOException {
    byte[] layer =
        new TarBuilder()
            .header(TarHeaderBlock.directory("bin/").mode(03775).uid(7).gid(8))
            .file(TarHeaderBlock.named("bin/tool").mode(04755).uid(7).gid(8), "tool")
            .end()
            .toBytes();
    Path image = write("owned.tar", "owned", SampleImage.of(layer));
    cli.run("cp", image + ":/bin", temp.resolve("bin").toString()).succeeded();
    boolean isRoot = Machine.isRoot();
    assertEquals(
        isRoot ? 0104755 : 0100755, Files.getAttribute(temp.resolve("bin/tool"), "unix:mode"));
    assertEquals(isRoot ? 043775 : 040775, Files.getAttribute(temp.resolve("bin"), "unix:mode"));
    if (isRoot) {
      assertEquals(7, Files.getAttribute(temp.resolve("bin/tool"), "unix:uid"));
      assertEquals(8, Files.getAttribute(temp.resolve("bin"), "unix:gid"));
    }
  }

  @Test
  void archiveOfSeveralImages_optionSaysWhich() throws IOException {
    SampleImage first = image("one");
    SampleImage second = image("two");
    Path both =
        ImageFiles.docker(
                List.of(first, second),
                ImageFiles.item(first, "a:1"),
                ImageFiles.item(second, "b:1"))
            .writeTar(temp.resolve("both.tar"));
    String error = cli.run("cat", both.toString(), "/etc/text").failed(1);
    assertTrue(error.contains("--image") && error.contains("b:1"), error);
    assertEquals(
        "two", cli.run("cat", "--image", "b:1", both.toString(), "/etc/text").succeeded().out());
    assertEquals(
        List.of("D /etc/one 9", "C /etc/text 3 3", "A /etc/two 9"),
        cli.run("diff", "--image", "a:1", "--image", "b:1", both.toString(), both.toString())
            .succeeded()
            .lines());
  }

  @Test
  void topOnly_showsWhatTheLayerDeletes() throws IOException {
    byte[] top = new TarBuilder().file("etc/.wh.same", "").file("new", "n").end().toBytes();
    Path image = write("two.tar", "two", SampleImage.of(image("old").layers().get(0), top));
    assertEquals(
        List.of("etc", "new"), cli.run("ls", "--top-only", image.toString()).succeeded().lines());
    Map<?, ?> json =
        cli.run("--json", "ls", "--top-only", image.toString(), "etc").succeeded().json();
    assertEquals("whiteout", ((Map<?, ?>) ((List<?>) json.get("entries")).get(0)).get("type"));
  }

  @Test
  void spool_isUsedAndEmptiedAgain() throws IOException {
    Path packed = temp.resolve("image.tar.gz");
    Files.write(packed, ImageFiles.gzip(Files.readAllBytes(archive)));
    Path spool = Files.createDirectory(temp.resolve("spool"));
    assertEquals(
        "old",
        cli.run("cat", "--spool", spool.toString(), packed.toString(), "/etc/text")
            .succeeded()
            .out());
    try (Stream<Path> left = Files.list(spool)) {
      assertEquals(0, left.count());
    }
    cli.run("ls", "--spool", archive.toString(), packed.toString()).failed(1);
  }

  @Test
  void standardInput_isAnArchive() throws IOException {
    assertEquals(
        "old", cli.run(Files.readAllBytes(archive), "cat", "-", "/etc/text").succeeded().out());
  }

  @Test
  void noVerify_showsAnArchiveWhoseLayerIsAnother() throws IOException {
    SampleImage image = SampleImage.of(SampleImage.layer("a", "1"));
    byte[] other = SampleImage.layer("b", "2");
    Path bad =
        ImageFiles.docker(image, "x:1")
            .put(ImageFiles.layerPath(image.layers().get(0)), other)
            .writeTar(temp.resolve("bad.tar"));
    String error = cli.run("ls", bad.toString()).failed(1);
    assertTrue(error.contains("bad.tar cannot be shown"), error);
    assertEquals(List.of("b"), cli.run("ls", "--no-verify", bad.toString()).succeeded().lines());
  }

  @Test
  void diff_ofImages_listsPathsAndSizes() throws IOException {
    load();
    Path other = write("new.tar", "new", image("newer"));
    assertEquals(
        List.of("A /etc/newer 9", "D /etc/old 9", "C /etc/text 3 5"),
        cli.run("diff", "test:old", other.toString()).succeeded().lines());
    Map<?, ?> json =
        cli.run("--json", "diff", archive.toString(), other.toString()).succeeded().json();
    assertEquals(3, ((List<?>) json.get("changes")).size());
    assertEquals(List.of(), cli.run("diff", "test:old", archive.toString()).succeeded().lines());
  }

  @Test
  void append_filesToAnImage_makesTheSameImageTwice() throws IOException {
    load();
    Path app = Files.createDirectories(temp.resolve("app/sub"));
    Files.writeString(app.resolve("file"), "mine");
    String[] command = {
      "append",
      "--base",
      "test:old",
      "--tag",
      "mine:1",
      "--chown",
      "1000:1001",
      "--change",
      "CMD [\"/app/run\"]",
      app.getParent() + ":/srv/app",
      app.resolve("file") + ":/etc/"
    };
    String id = cli.run(command).succeeded().out();
    assertEquals(id, cli.run(command).succeeded().out());
    assertEquals("mine", cli.run("cat", "mine:1", "/srv/app/sub/file").succeeded().out());
    assertEquals("mine", cli.run("cat", "mine:1", "/etc/file").succeeded().out());
    assertEquals("same", cli.run("cat", "mine:1", "/etc/same").succeeded().out());
    assertTrue(
        cli.run("ls", "-l", "mine:1", "/srv/app").succeeded().out().contains(" 1000  1001 "));
  }

  @Test
  void append_whatIsMissing_failsAndAddsNothing() {
    load();
    cli.run("append", "--base", "test:old", temp.resolve("none") + ":/x").failed(1);
    cli.run("append", "--base", "none:1", archive + ":/x").failed(1);
    assertEquals(1, cli.run("images", "-q").succeeded().lines().size());
  }
}
