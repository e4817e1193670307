package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.Archiver;
import io.layerstore.testing.DataRoot;
import io.layerstore.testing.DockerDaemon;
import io.layerstore.testing.Image;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Sha256;
import io.layerstore.testing.SourceTree;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * What dockerd and the library make of the same layer archives with overlay2: the same files in the
 * same directories, with the same content, owners, modes, times, whiteouts, marks and attributes.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class DiskInDockerTest {

  /** What Docker unpacks, though it cannot give all of it back. */
  private static final List<AppendixA> KNOWN =
      List.of(
          AppendixA.WHROOT,
          AppendixA.TWO_BASE,
          AppendixA.TWO_TOP,
          AppendixA.PLAIN,
          AppendixA.GARBAGE,
          AppendixA.NOEND,
          AppendixA.EMPTY0,
          AppendixA.EMPTY1024,
          AppendixA.NONUTF8,
          AppendixA.HL0,
          AppendixA.HLABS,
          AppendixA.PG1,
          AppendixA.ABS,
          AppendixA.DOTSLASH,
          AppendixA.SYMESC,
          AppendixA.SYMPARENT2,
          AppendixA.ABSSYMDIR,
          AppendixA.WH,
          AppendixA.PLNK,
          AppendixA.IMPLIED,
          AppendixA.LONGGNU,
          AppendixA.PAXSPARSE10,
          AppendixA.PAXSPARSE01);

  /** Of these, Docker's own records are of what it read, and not of the bytes. */
  private static final Set<AppendixA> SPARSE = Set.of(AppendixA.PAXSPARSE10, AppendixA.PAXSPARSE01);

  /** One archive of each tool that writes headers of its own kind. */
  private static final Set<String> TOOLS =
      Set.of(
          "GNU tar, posix, all attributes", "GNU tar, oldgnu", "bsdtar, pax", "Python, GNU_FORMAT");

  private static final Pattern LINK = Pattern.compile("[A-Z2-7]{26}");

  private ScratchDirectory scratch;
  private DataRoot theirs;
  private DataRoot ours;
  private Instant start;
  private final List<String> chain = new ArrayList<>();
  private final Set<String> sparse = new HashSet<>();
  private final List<String> archives = new ArrayList<>();
  private final List<String> exports = new ArrayList<>();

  @BeforeAll
  void loadAndRegister() throws Exception {
    Machine.requireRoot();
    scratch = ScratchDirectory.create();
    theirs = new DataRoot(scratch.resolve("docker"), "overlay2");
    ours = new DataRoot(scratch.resolve("layerstore"), "overlay2");
    List<Path> layers = layers();
    // Files have times of a clock that may be a little behind.
    start = Instant.now().minusMillis(50);
    load(layers);
    try (LayerStore store = LayerStore.builder(ours.path()).driver("overlay2").open()) {
      ChainId parent = null;
      for (Path archive : layers) {
        try (InputStream in = Files.newInputStream(archive);
            Layer layer = store.register(in, parent)) {
          parent = layer.chainId();
          chain.add(parent.toString());
          try (InputStream exported = layer.tarStream()) {
            exports.add(Sha256.of(exported));
          }
          archives.add(Sha256.of(archive));
          if (SPARSE.stream().anyMatch(known -> archive.endsWith(known.name()))) {
            sparse.add(parent.toString());
          }
        }
      }
    }
  }

  @AfterAll
  void deleteAll() throws Exception {
    if (scratch != null) {
      scratch.close();
    }
  }

  private List<Path> layers() throws Exception {
    Path archives = Files.createDirectory(scratch.resolve("archives"));
    List<Path> layers = new ArrayList<>();
    for (AppendixA known : KNOWN) {
      layers.add(Files.write(archives.resolve(known.name()), known.bytes()));
    }
    Path source = scratch.resolve("source");
    SourceTree.create(source);
    for (Archiver archiver : Archiver.all().toList()) {
      if (TOOLS.contains(archiver.name()) && Tool.find(archiver.program()).isPresent()) {
        Path archive = archives.resolve(layers.size() + ".tar");
        archiver.archive(source, archive);
        layers.add(archive);
      }
    }
    layers.add(Files.write(archives.resolve("deletions"), deletions()));
    return layers;
  }

  /** Deletes in each way. */
  private static byte[] deletions() {
    return new TarBuilder()
        .file(".wh.long", "")
        .directory("plain/")
        .file("plain/.wh.file", "")
        .file("plain/.wh.missing", "")
        .directory("plain/dir/")
        .file("plain/dir/before", "stays")
        .file("plain/dir/.wh..wh..opq", "")
        .file("plain/dir/after", "stays")
        .file("plain/sticky", "a file in place of a directory")
        .file("plain/.wh.again", "")
        .directory("plain/again/")
        .file("plain/again/x", "in a directory in place of a whiteout")
        .directory("plain/script/")
        .file("special/.wh.hard-link-with-a-long-target", "")
        .end()
        .toBytes();
  }

  private void load(List<Path> layers) throws Exception {
    List<String> diffIds = new ArrayList<>();
    for (Path layer : layers) {
      diffIds.add(Sha256.of(layer));
    }
    Path work = Files.createDirectory(scratch.resolve("work"));
    Path archive = Image.of(diffIds, layers).writeTo(work, "all:1");
    try (DockerDaemon daemon = DockerDaemon.start(theirs.path(), "overlay2")) {
      daemon.docker("load", "--input", archive);
      daemon.stop();
    }
  }

  private static Path directory(DataRoot root, String chainId) throws Exception {
    return root.driverHome().resolve(root.cacheId(chainId));
  }

  @Test
  void records_areThoseOfDocker() throws Exception {
    assertEquals(theirs.chainIds(), ours.chainIds());
    for (String name : List.of("diff", "parent", "size")) {
      assertEquals(theirs.texts(name), ours.texts(name), name);
    }
  }

  @Test
  void tarStream_everyLayer_isItsArchive() {
    assertEquals(archives, exports);
  }

  @Test
  void tarSplit_isThatOfDockerButForSegmentBorders() throws Exception {
    for (String chainId : chain) {
      if (!sparse.contains(chainId)) {
        assertEquals(theirs.tarSplit(chainId), ours.tarSplit(chainId), chainId);
      }
    }
  }

  @Test
  void files_areThoseOfDocker() throws Exception {
    for (String chainId : chain) {
      TreeText expected = TreeText.of(directory(theirs, chainId).resolve("diff"));
      TreeText actual = TreeText.of(directory(ours, chainId).resolve("diff"));
      expected.withNow(start).assertSameAs(actual.withNow(start));
    }
  }

  @Test
  void layerDirectories_areThoseOfDocker() throws Exception {
    for (String chainId : chain) {
      assertEquals(listing(directory(theirs, chainId)), listing(directory(ours, chainId)), chainId);
    }
    assertEquals(modes(theirs.driverHome()), modes(ours.driverHome()));
    assertEquals(modes(theirs.driverHome().resolve("l")), modes(ours.driverHome().resolve("l")));
  }

  /** Names, types, modes, owners, and sizes of what are no directories. */
  private static List<String> listing(Path directory) throws Exception {
    return Tool.require("bash")
        .in(directory)
        .run(
            "-c",
            "find . -maxdepth 1 -type d -printf '%P %y %m %U:%G\\n' -o -printf '%P %y %m %U:%G %s\\n' | sort")
        .lines();
  }

  private static String modes(Path directory) throws Exception {
    return Tool.require("stat").run("--format=%a %u:%g", directory).text();
  }

  @Test
  void chainOfLowerLayers_isThatOfDocker() throws Exception {
    for (String chainId : chain) {
      assertEquals(lower(theirs, chainId), lower(ours, chainId), chainId);
    }
  }

  /** The chain IDs of the layers below, found by the names in {@code l/}. */
  private List<String> lower(DataRoot root, String chainId) throws Exception {
    Path file = directory(root, chainId).resolve("lower");
    List<String> found = new ArrayList<>();
    if (Files.exists(file)) {
      for (String item : Files.readString(file).split(":", -1)) {
        String name = item.substring("l/".length());
        assertTrue(LINK.matcher(name).matches(), item);
        Path target = Files.readSymbolicLink(root.driverHome().resolve(item));
        found.add(chainOf(root, target.getName(1).toString()));
      }
    }
    return found;
  }

  private String chainOf(DataRoot root, String cacheId) throws Exception {
    for (String chainId : chain) {
      if (root.cacheId(chainId).equals(cacheId)) {
        return chainId;
      }
    }
    throw new AssertionError("no layer is in " + cacheId);
  }
}
