package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DemoTest {
  @TempDir private Path temp;

  @Test
  void demo_sample_verifiesEverything() {
    Cli.Result result = demo().succeeded();

    List<String> lines = result.lines();
    assertTrue(
        lines.get(lines.size() - 1).matches("Verified: all \\d+ checks hold\\."), result.out());
    assertTrue(result.out().contains("layerstore/sample:latest"), result.out());
  }

  @Test
  void demo_sample_addsChangesAndDeletesAFile() {
    Set<Character> kinds =
        demo().succeeded().lines().stream()
            .filter(line -> line.matches(" +[ACD] /.*"))
            .map(line -> line.strip().charAt(0))
            .collect(Collectors.toSet());

    assertEquals(Set.of('A', 'C', 'D'), kinds);
  }

  @Test
  void demo_json_isOneDocument() throws IOException {
    Map<?, ?> json = demo("--json").succeeded().json();

    assertEquals("true", json.get("verified"));
    assertTrue(((List<?>) json.get("steps")).size() >= 9);
  }

  @Test
  void demo_sample_removesItsStore() {
    Matcher root = Pattern.compile("LAYERSTORE_ROOT=([^;]+);").matcher(demo().succeeded().out());

    assertTrue(root.find());
    assertFalse(Files.exists(Path.of(root.group(1))));
  }

  @Test
  void demo_archiveOfTheUser_takesIt() throws IOException {
    Path archive = Files.write(temp.resolve("image.tar"), Sample.image());

    demo(archive.toString()).succeeded();
  }

  @Test
  void demo_layerThatIsNotWhatTheConfigSays_fails() throws IOException {
    byte[] archive =
        new TarBuilder()
            .file("manifest.json", "[{\"Config\":\"c\",\"RepoTags\":null,\"Layers\":[\"l\"]}]")
            .file(
                "c",
                "{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:"
                    + "0".repeat(64)
                    + "\"]}}")
            .file("l", "\0".repeat(1024))
            .end()
            .toBytes();
    Path file = Files.write(temp.resolve("image.tar"), archive);

    String line = demo(file.toString()).failed(Main.FAILED);

    assertTrue(line.contains("0".repeat(64)), line);
  }

  @Test
  void demo_missingArchive_fails() {
    demo(temp.resolve("none.tar").toString()).failed(Main.FAILED);
  }

  @Test
  void finish_checkThatDoesNotHold_isFalse() throws IOException {
    DemoReport report = new DemoReport(new Output(OutputStream.nullOutputStream()), false);
    report.step("Step", "java", "shell");
    report.check("it holds", true);
    report.check("it does not", false);

    assertFalse(report.finish());
  }

  private static Cli.Result demo(String... args) {
    return Cli.runPlain(
        new byte[0],
        Stream.concat(Stream.of("--driver", "vfs", "demo"), Stream.of(args))
            .toArray(String[]::new));
  }
}
