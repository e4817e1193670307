package io.layerstore.core.tar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ByteString;
import io.layerstore.Limits;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Archives that the tools on this machine write of one tree are read back as that tree, byte for
 * byte handed out.
 */
final class ToolArchivesTest {

  private static final EntryMapper MAPPER = new EntryMapper(Limits.DEFAULT, false);

  private static final String PYTHON =
      """
      import sys, tarfile
      t = tarfile.open(sys.argv[1], 'w', format=getattr(tarfile, sys.argv[2]))
      t.add('.')
      t.close()
      """;

  @TempDir Path directory;

  private Path root;

  /**
   * What the tree holds, by path: content of files, {@code ->} and text of links, a slash for
   * directories.
   */
  private final SortedMap<String, String> expected = new TreeMap<>();

  @BeforeEach
  void makeTree() throws Exception {
    root = Files.createDirectory(directory.resolve("tree"));
    directory("d");
    file("d/empty", "");
    file("d/small", "hello\n");
    file("d/blocks", "0123456789abcdef".repeat(64));
    file("d/odd", "x".repeat(1025));
    Files.createSymbolicLink(root.resolve("link"), Path.of("../outside/nowhere"));
    expected.put("link", "->../outside/nowhere");
    Files.createLink(root.resolve("d/small-again"), root.resolve("d/small"));
    expected.put("d/small-again", "hello\n");
    // Made from its bytes, because under LANG=C no text can say it.
    Path latin1 = Path.of(URI.create(root.toUri() + "caf%E9"));
    Files.writeString(latin1, "not UTF-8", StandardCharsets.US_ASCII);
    expected.put("caf\u00e9", "not UTF-8");
  }

  @ParameterizedTest
  @ValueSource(strings = {"v7", "oldgnu", "gnu", "ustar", "posix"})
  void next_gnuTar_givesTheTree(String format) throws Exception {
    addLongNames(format);
    assertTree(archive("GNU tar", "tar", "--format=" + format, "-cf", "{}", "."));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0", "0.1", "1.0"})
  void next_gnuTarWithPaxSparseFiles_givesTheTree(String version) throws Exception {
    addSparseFile();
    Path archive =
        archive(
            "GNU tar",
            "tar",
            "--format=posix",
            "--sparse",
            "--sparse-version=" + version,
            "-cf",
            "{}",
            ".");
    assertTree(archive);
    assertHasSparseFile(archive);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gnu", "oldgnu"})
  void next_gnuTarWithOldSparseFiles_givesTheTree(String format) throws Exception {
    addSparseFile();
    Path archive = archive("GNU tar", "tar", "--format=" + format, "--sparse", "-cf", "{}", ".");
    assertTree(archive);
    assertHasSparseFile(archive);
  }

  @Test
  void next_gnuTarWithGlobalHeader_givesTheTree() throws Exception {
    assertTree(
        archive(
            "GNU tar",
            "tar",
            "--format=posix",
            "--pax-option=globexthdr.name=global,comment=abc",
            "-cf",
            "{}",
            "."));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ustar", "pax", "gnutar", "v7"})
  void next_bsdtar_givesTheTree(String format) throws Exception {
    addLongNames(format);
    assertTree(archive("bsdtar", "bsdtar", "--format=" + format, "-cf", "{}", "."));
  }

  @Test
  void next_bsdtarByDefault_givesTheTree() throws Exception {
    addLongNames("pax");
    assertTree(archive("bsdtar", "bsdtar", "-cf", "{}", "."));
  }

  @Test
  void next_bsdtarWithSparseFiles_givesTheTree() throws Exception {
    addSparseFile();
    assertTree(archive("bsdtar", "bsdtar", "--format=pax", "--read-sparse", "-cf", "{}", "."));
  }

  @ParameterizedTest
  @CsvSource({"USTAR_FORMAT, ustar", "GNU_FORMAT, gnu", "PAX_FORMAT, pax"})
  void next_python_givesTheTree(String format, String names) throws Exception {
    addLongNames(names);
    assertTree(archive("Python 3", "python3", "-c", PYTHON, "{}", format));
  }

  @Test
  void next_busybox_givesTheTree() throws Exception {
    addLongNames("gnu");
    assertTree(archive("busybox", "busybox", "tar", "-cf", "{}", "."));
  }

  /** Adds names that only prefixes and extensions hold, as far as the format has them. */
  private void addLongNames(String format) throws IOException {
    if (format.equals("v7")) {
      return;
    }
    String parent = "p".repeat(90);
    directory(parent);
    file(parent + "/" + "f".repeat(60), "long");
    if (format.equals("ustar")) {
      return;
    }
    file("n".repeat(200), "longer");
    String target = "t".repeat(150);
    Files.createSymbolicLink(root.resolve("long-link"), Path.of(target));
    expected.put("long-link", "->" + target);
  }

  private void addSparseFile() throws IOException {
    Path file = root.resolve("sparse");
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      for (int i = 0; i < 30; i++) {
        channel.write(ByteBuffer.wrap(new byte[] {(byte) ('a' + i % 26)}), i * 65_536L + 100);
      }
    }
    expected.put("sparse", Files.readString(file, StandardCharsets.ISO_8859_1));
  }

  private void directory(String path) throws IOException {
    Files.createDirectory(root.resolve(path));
    expected.put(path, "/");
  }

  private void file(String path, String content) throws IOException {
    Files.writeString(root.resolve(path), content, StandardCharsets.ISO_8859_1);
    expected.put(path, content);
  }

  /** Runs a tool in the tree, with the name of the archive for {@code {}}. */
  private Path archive(String toolName, String... command) throws Exception {
    Path archive = directory.resolve("archive.tar");
    Path log = directory.resolve("log");
    List<String> arguments = new ArrayList<>(List.of(command));
    arguments.replaceAll(argument -> argument.equals("{}") ? archive.toString() : argument);
    Process process;
    try {
      process =
          new ProcessBuilder(arguments)
              .directory(root.toFile())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
    } catch (IOException e) {
      assumeTrue(false, toolName + " is not installed");
      throw e;
    }
    try {
      assertTrue(process.waitFor(1, TimeUnit.MINUTES), toolName + " does not end");
    } finally {
      process.destroyForcibly();
    }
    assertEquals(0, process.exitValue(), Files.readString(log, StandardCharsets.ISO_8859_1));
    return archive;
  }

  private void assertTree(Path archive) throws IOException {
    byte[] bytes = Files.readAllBytes(archive);
    ParsedArchive parsed = ParsedArchive.of(bytes);
    assertEquals(ByteString.of(bytes), parsed.bytes(), "not handed out whole");
    SortedMap<String, String> found = new TreeMap<>();
    for (ParsedArchive.Entry entry : parsed.entries()) {
      TarHeader header = entry.header();
      MappedEntry mapped = MAPPER.map(header);
      if (mapped.tree() == null) {
        continue;
      }
      String what =
          switch (header.type()) {
            case DIRECTORY -> "/";
            case SYMLINK -> "->" + header.linkName();
            case HARD_LINK -> found.get(text(mapped.tree().linkTarget().bytes()));
            default ->
                new String(
                    SparseContent.expand(header, entry.payload()), StandardCharsets.ISO_8859_1);
          };
      found.put(text(mapped.path().bytes()), what);
    }
    assertEquals(expected, found);
  }

  private static void assertHasSparseFile(Path archive) throws IOException {
    boolean hasSparse =
        ParsedArchive.of(Files.readAllBytes(archive)).entries().stream()
            .anyMatch(entry -> entry.header().isSparse());
    assumeTrue(hasSparse, "no holes on this file system, so the file was not stored as sparse");
  }

  private static String text(ByteString bytes) {
    return new String(bytes.toByteArray(), StandardCharsets.ISO_8859_1);
  }
}
