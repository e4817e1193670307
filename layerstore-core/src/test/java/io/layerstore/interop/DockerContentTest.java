package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.Archiver;
import io.layerstore.testing.DataRoot;
import io.layerstore.testing.DockerDaemon;
import io.layerstore.testing.Image;
import io.layerstore.testing.Listing;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Sha256;
import io.layerstore.testing.SourceTree;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * The same layers loaded by dockerd and registered here, both with the driver {@code vfs}: what
 * dockerd wrote and what the library wrote are compared file by file.
 *
 * <p>The layers stand on top of each other: the archives of all real tools, the known archives that
 * Docker takes, and what {@code docker commit} made of a container.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DockerContentTest {

  /**
   * What Docker takes and gives back, in an order in which one does not get into the other's way.
   */
  private static final List<AppendixA> KNOWN =
      List.of(
          AppendixA.TWO_BASE,
          AppendixA.TWO_TOP,
          AppendixA.WHROOT,
          AppendixA.PLAIN,
          AppendixA.GARBAGE,
          AppendixA.ZEROPAD,
          AppendixA.NOEND,
          AppendixA.ONEBLK,
          AppendixA.EMPTY0,
          AppendixA.EMPTY1024,
          AppendixA.EMPTY10240,
          AppendixA.NONUTF8,
          AppendixA.HL0,
          AppendixA.HLABS,
          AppendixA.PG1,
          AppendixA.ABS,
          AppendixA.DOTSLASH,
          AppendixA.SYMESC,
          AppendixA.SYMPARENT2,
          AppendixA.WH,
          AppendixA.IMPLIED,
          AppendixA.LONGGNU);

  private ScratchDirectory scratch;
  private DataRoot theirs;
  private DataRoot ours;
  private final List<ChainId> chain = new ArrayList<>();
  private int withEveryDirectory;

  @BeforeAll
  void loadAndRegister() throws Exception {
    Machine.requireRoot();
    scratch = ScratchDirectory.create();
    theirs = new DataRoot(scratch.resolve("docker"), "vfs");
    ours = new DataRoot(scratch.resolve("layerstore"), "vfs");
    List<Path> layers = layers();
    try (LayerStore store = LayerStore.builder(ours.path()).driver("vfs").open()) {
      ChainId parent = null;
      store.releaseRWLayer(store.createRWLayer("makes-the-directory"));
      for (Path archive : load(layers)) {
        try (InputStream in = Files.newInputStream(archive);
            Layer layer = store.register(in, parent)) {
          parent = layer.chainId();
          chain.add(parent);
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

  @Test
  void chainIds_areThoseOfDocker() throws Exception {
    assertEquals(theirs.chainIds(), ours.chainIds());
  }

  @Test
  void diff_isThatOfDocker() throws Exception {
    assertEquals(theirs.texts("diff"), ours.texts("diff"));
  }

  @Test
  void parent_isThatOfDocker() throws Exception {
    assertEquals(theirs.texts("parent"), ours.texts("parent"));
  }

  @Test
  void size_isThatOfDocker() throws Exception {
    assertEquals(theirs.texts("size"), ours.texts("size"));
  }

  @Test
  void tarSplit_isThatOfDockerButForSegmentBorders() throws Exception {
    for (String chainId : theirs.chainIds()) {
      List<String> expected = theirs.tarSplit(chainId);
      List<String> actual = ours.tarSplit(chainId);
      // One by one: a message with all entries would have megabytes.
      for (int i = 0; i < Math.min(expected.size(), actual.size()); i++) {
        assertEquals(expected.get(i), actual.get(i), "entry " + i + " of " + chainId);
      }
      assertEquals(expected.size(), actual.size(), chainId);
    }
  }

  @Test
  void modes_areThoseOfDocker() throws Exception {
    for (String chainId : theirs.chainIds()) {
      assertEquals(modes(theirs.layer(chainId)), modes(ours.layer(chainId)), chainId);
    }
    assertEquals(modes(theirs.layerDb()), modes(ours.layerDb()));
  }

  @Test
  void tree_isThatOfDocker() throws Exception {
    // A directory that is changed without an entry of its own has the time of the change.
    for (ChainId chainId : chain.subList(0, withEveryDirectory)) {
      String id = chainId.toString();
      assertEquals("", Listing.difference(tree(theirs, id), tree(ours, id)), id);
    }
  }

  private List<Path> layers() throws Exception {
    Path source = scratch.resolve("source");
    SourceTree.create(source);
    Path archives = Files.createDirectory(scratch.resolve("archives"));
    List<Path> layers = new ArrayList<>();
    for (Archiver archiver : Archiver.withoutSparseFiles().toList()) {
      if (Tool.find(archiver.program()).isPresent()) {
        Path archive = archives.resolve(layers.size() + ".tar");
        archiver.archive(source, archive);
        layers.add(archive);
      }
    }
    layers.add(Files.write(archives.resolve("deletions"), deletions()));
    withEveryDirectory = layers.size();
    for (AppendixA known : KNOWN) {
      layers.add(Files.write(archives.resolve(known.name()), known.bytes()));
    }
    return layers;
  }

  /** Deletes in each way, and says the time of every directory that it changes. */
  private static byte[] deletions() {
    return new TarBuilder()
        .file(".wh.long", "")
        .directory("plain/")
        .file("plain/.wh.file", "")
        .file("plain/.wh.missing", "")
        .file("plain/.wh.empty-dir", "")
        .directory("plain/dir/")
        .file("plain/dir/before", "stays")
        .file("plain/dir/.wh..wh..opq", "")
        .file("plain/dir/after", "stays")
        .file("plain/sticky", "a file in place of a directory")
        .directory("plain/script/")
        .directory("special/")
        .file("special/.wh.hard-link-with-a-long-target", "")
        .end()
        .toBytes();
  }

  /** Loads the layers into dockerd, and returns those of the image that it then commits. */
  private List<Path> load(List<Path> layers) throws Exception {
    List<String> diffIds = new ArrayList<>();
    for (Path layer : layers) {
      diffIds.add(Sha256.of(layer));
    }
    Path work = Files.createDirectory(scratch.resolve("work"));
    Path archive = Image.of(diffIds, layers).writeTo(work, "all:1");
    try (DockerDaemon daemon = DockerDaemon.start(theirs.path(), "vfs")) {
      daemon.docker("load", "--input", archive);
      daemon.docker("create", "--name=box", "all:1");
      Path changed = Files.writeString(scratch.resolve("changed"), "changed");
      daemon.docker("cp", changed, "box:/etc/b");
      daemon.docker("cp", changed, "box:/added");
      daemon.docker("commit", "box", "all:2");
      daemon.docker("rm", "box");
      Path saved = scratch.resolve("saved.tar");
      daemon.docker("save", "--output", saved, "all:2");
      daemon.stop();
      return Image.read(saved, scratch.resolve("saved")).layers();
    }
  }

  private static List<String> modes(Path directory) throws Exception {
    return Tool.require("bash")
        .in(directory)
        .run("-c", "find . -maxdepth 1 -printf '%P %y %m %U:%G\\n' | sort")
        .lines();
  }

  private static Path tree(DataRoot root, String chainId) throws Exception {
    return root.driverHome().resolve("dir").resolve(root.cacheId(chainId));
  }
}
