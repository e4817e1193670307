package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The packaged jar as users start it: what only a process of its own shows. The jar is made after
 * the tests have run, so this runs where it is named: {@code -Dlayerstore.jar=FILE}.
 */
final class ExecutableJarTest {
  private static final String JAR = System.getProperty("layerstore.jar", "");

  private static final byte[] LARGE =
      new TarBuilder().file("large", "0123456789abcdef".repeat(1 << 17)).end().toBytes();

  @TempDir private Path temp;
  private Path root;

  @BeforeAll
  static void requireJar() {
    assumeTrue(!JAR.isEmpty(), "needs the packaged jar: -Dlayerstore.jar=FILE");
    assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "needs /bin/sh");
  }

  @BeforeEach
  void prepare() {
    root = temp.resolve("root");
  }

  @Test
  void demo_sample_succeeds() throws Exception {
    List<String> words = java();
    words.add("demo");

    assertEquals(0, start(words).waitFor(), err());
    assertTrue(out().contains("Verified: all "), out());
    // An ordinary user is told what of the image the user cannot make.
    assertEquals(
        List.of(),
        err().lines().filter(line -> !line.startsWith("layerstore: warning: ")).toList());
  }

  @Test
  void version_packaged_isThatOfTheBuild() throws Exception {
    assertEquals(0, run("--version"), err());
    assertTrue(out().matches("layerstore \\d+\\..*\n"), out());
  }

  @Test
  void register_sample_exportsTheSameBytes() throws Exception {
    Path archive = Files.write(temp.resolve("layer.tar"), Sample.layer(0));

    assertEquals(0, run("register", archive.toString()), err());
    assertEquals(0, run("export", out().split(" ", -1)[1]), err());

    assertArrayEquals(Files.readAllBytes(archive), Files.readAllBytes(temp.resolve("out")));
  }

  @Test
  void register_namesOfOtherCharsets_areRightInAnyLocale() throws Exception {
    Path archive = Files.write(temp.resolve("layer.tar"), Sample.layer(0));

    assertEquals(0, run("register", archive.toString()), err());
    assertEquals(0, run("create", "work", "--parent", out().split(" ", -1)[1]), err());
    assertEquals(0, run("mount", "work", "--", "/bin/sh", "-c", "rm -r srv/data/*"), err());
    assertEquals(0, run("diff", "work"), err());

    assertTrue(out().contains("D /srv/data/gr\u00fc\u00dfe.txt\n"), out());
    assertTrue(out().contains("D /srv/data/caf\\xe9.txt\n"), out());
  }

  @Test
  void mount_command_hasTheStandardStreams() throws Exception {
    assertEquals(0, run("create", "work"), err());

    Process process = start("mount", "work", "--", "/bin/sh", "-c", "cat; echo err >&2; exit 9");
    try (OutputStream in = process.getOutputStream()) {
      in.write("in\n".getBytes(StandardCharsets.UTF_8));
    }

    assertEquals(9, process.waitFor());
    assertEquals("in\n", out());
    assertEquals("err\n", err());
  }

  @Test
  void mount_terminated_endsTheCommandAndReleasesTheStore() throws Exception {
    assertEquals(0, run("create", "work"), err());

    // The command's parent is the JVM, and this signal the one that asks it to end.
    int status = run("mount", "work", "--", "/bin/sh", "-c", "kill -TERM $PPID; exec sleep 600");

    assertEquals(128 + 15, status);
    assertEquals(0, run("rm", "work"), err());
  }

  @Test
  void register_terminated_leavesNothing() throws Exception {
    Process process = start("register", "-");
    OutputStream in = process.getOutputStream();
    // Far more than fits into a pipe: when this returns, most of it has been unpacked.
    in.write(LARGE, 0, LARGE.length / 2);
    in.flush();

    process.toHandle().destroy();

    assertEquals(128 + 15, process.waitFor(), err());
    assertEquals(1, err().lines().count(), err());
    assertEquals(List.of(), children(root.resolve("image/vfs/layerdb/tmp")));
    assertEquals(List.of(), children(root.resolve("vfs/dir")));
  }

  @Test
  void export_readerGoesAway_exitsWith1AndOneLine() throws Exception {
    Path archive = Files.write(temp.resolve("layer.tar"), LARGE);
    assertEquals(0, run("register", archive.toString()), err());
    String chain = out().split(" ", -1)[1];
    Path status = temp.resolve("status");

    // More than fits into a pipe, so that it cannot be written before the reader is gone.
    String script = "{ \"$@\" export " + chain + "; echo $? > " + status + "; } | true";
    List<String> words = new ArrayList<>(List.of("/bin/sh", "-c", script, "sh"));
    words.addAll(javaOnStore());

    assertEquals(0, start(words).waitFor());
    assertEquals("1", Files.readString(status).strip());
    assertEquals(1, err().lines().count(), err());
  }

  private static List<String> children(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (var children = Files.list(directory)) {
      return children.map(Path::toString).toList();
    }
  }

  private int run(String... args) throws Exception {
    Process process = start(args);
    process.getOutputStream().close();
    return process.waitFor();
  }

  private Process start(String... args) throws IOException {
    List<String> words = javaOnStore();
    words.addAll(List.of(args));
    return start(words);
  }

  private Process start(List<String> words) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(words);
    builder.redirectOutput(temp.resolve("out").toFile());
    builder.redirectError(temp.resolve("err").toFile());
    builder.environment().put("LC_ALL", "C");
    return builder.start();
  }

  private List<String> javaOnStore() {
    List<String> words = java();
    words.addAll(List.of("--root", root.toString(), "--driver", "vfs"));
    return words;
  }

  private static List<String> java() {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    return new ArrayList<>(List.of(java.toString(), "-jar", JAR));
  }

  private String out() throws IOException {
    return Files.readString(temp.resolve("out"));
  }

  private String err() throws IOException {
    return Files.readString(temp.resolve("err"));
  }
}
