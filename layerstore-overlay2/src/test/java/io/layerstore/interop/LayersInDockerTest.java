package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.testing.DataRoot;
import io.layerstore.testing.DockerDaemon;
import io.layerstore.testing.Image;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Sha256;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The files that dockerd and the library make of chains of layers, with overlay2: the same for any
 * chain, but for the differences that have a test here, each with its reason.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class LayersInDockerTest {

  private static final int LAYERS_OF_A_CHAIN = 5;

  /** cap_net_raw+ep in revision 2. */
  private static final String CAPABILITY = "\1\0\0\2\0\40" + "\0".repeat(14);

  private ScratchDirectory scratch;
  private DataRoot theirs;
  private DockerDaemon daemon;
  private int chains;

  @BeforeAll
  void startDocker() throws Exception {
    Machine.requireRoot();
    scratch = ScratchDirectory.create();
    theirs = new DataRoot(scratch.resolve("docker"), "overlay2");
    daemon = DockerDaemon.start(theirs.path(), "overlay2");
  }

  @AfterAll
  void stopDocker() throws Exception {
    if (daemon != null) {
      daemon.close();
    }
    if (scratch != null) {
      scratch.close();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void files_anyChain_areThoseOfDocker(long seed) throws Exception {
    RandomLayers layers = new RandomLayers(seed);
    assertEquals(
        List.of(),
        differences(
            IntStream.range(0, LAYERS_OF_A_CHAIN)
                .mapToObj(i -> layers.next())
                .toArray(byte[][]::new)));
  }

  /**
   * A directory without an entry is root's, whatever it is in; the set-gid bit is what the kernel
   * hands down.
   */
  @Test
  void files_impliedInSetGroupIdDirectory_areThoseOfDocker() throws Exception {
    assertEquals(
        List.of(),
        differences(
            new TarBuilder()
                .header(TarHeaderBlock.directory("d/").mode(02775).gid(50))
                .file("d/f", "x")
                .file("d/implied/sub/f", "x")
                .directory("d/own/")
                .file("d/opaque/.wh..wh..opq", "")
                .end()
                .toBytes()));
  }

  /**
   * The link gets the time of the entry, as it gets its owner and as any other file does. Docker's
   * call follows links, so it leaves the time out; containerd sets it.
   */
  @Test
  void files_hardLinkToSymlink_hasTheTimeOfTheArchive() throws Exception {
    requireOldDocker();
    assertEquals(
        List.of(
            "- /h lrwxrwxrwx 5:0 mtime=1600000000000000000 to=b'f' links=2",
            "- /l lrwxrwxrwx 5:0 mtime=1600000000000000000 to=b'f' links=2 same-as=/h",
            "+ /h lrwxrwxrwx 5:0 mtime=1600000009000000000 to=b'f' links=2",
            "+ /l lrwxrwxrwx 5:0 mtime=1600000009000000000 to=b'f' links=2 same-as=/h"),
        differences(
            new TarBuilder()
                .symlink("l", "f")
                .header(TarHeaderBlock.hardLink("h", "l").uid(5).modified(1_600_000_009))
                .end()
                .toBytes()));
  }

  /**
   * Times that Docker does not give to files it gives to symbolic links, or a remainder of them.
   * Later engines and containerd have one rule for all, which is ours.
   */
  @Test
  void files_symlinksOutside1970To2262_areOfTheEpochAsFilesAre() throws Exception {
    requireOldDocker();
    assertEquals(
        List.of(
            "- /l-5 lrwxrwxrwx 0:0 mtime=-5000000000 to=b'x' links=1",
            "- /l20000000000 lrwxrwxrwx 0:0 mtime=1553255926290448384 to=b'x' links=1",
            "+ /l-5 lrwxrwxrwx 0:0 mtime=0 to=b'x' links=1",
            "+ /l20000000000 lrwxrwxrwx 0:0 mtime=0 to=b'x' links=1"),
        differences(
            new TarBuilder()
                .pax("mtime", "-5")
                .symlink("l-5", "x")
                .pax("mtime", "-5")
                .file("f-5", "x")
                .pax("mtime", "20000000000")
                .symlink("l20000000000", "x")
                .pax("mtime", "20000000000")
                .file("f20000000000", "x")
                .pax("mtime", "9223372036.854775807")
                .symlink("last", "x")
                .end()
                .toBytes()));
  }

  /**
   * Whiteouts hide what is below an opaque root. Its mark, which is all that Docker writes, has no
   * effect on the root of a mount, so that with overlay2, but not with vfs, everything below stays.
   */
  @Test
  void files_opaqueRoot_hidesWhatIsBelow() throws Exception {
    assertEquals(
        List.of(
            "- /d drwxr-xr-x 0:0 mtime=1600000000000000000",
            "+ /d drwxr-xr-x 0:0 mtime=1600000000000000000 trusted.overlay.opaque=79",
            "+ /f c--------- 0:0 mtime=now device=0:0 links=1"),
        differences(
            new TarBuilder().file("f", "x").directory("d/").file("d/f", "x").end().toBytes(),
            new TarBuilder().file(".wh..wh..opq", "").directory("d/").end().toBytes()));
  }

  /** Later engines and containerd set them as well. */
  @Test
  void files_emptyXattrs_haveThem() throws Exception {
    requireOldDocker();
    assertEquals(
        List.of(
            "- /f -rw-r--r-- 0:0 mtime=1600000000000000000 size=0"
                + " sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 links=1"
                + " user.note=78",
            "+ /f -rw-r--r-- 0:0 mtime=1600000000000000000 size=0"
                + " sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 links=1"
                + " user.empty= user.note=78"),
        differences(
            new TarBuilder()
                .pax("SCHILY.xattr.user.empty", "", "SCHILY.xattr.user.note", "x")
                .file("f", "")
                .end()
                .toBytes()));
  }

  /** An empty capability would be one that the kernel does not understand. */
  @Test
  void files_emptyCapability_areThoseOfDocker() throws Exception {
    requireOldDocker();
    assertEquals(
        List.of(),
        differences(
            new TarBuilder()
                .pax("SCHILY.xattr.security.capability", "")
                .file("f", "")
                .end()
                .toBytes()));
  }

  /**
   * A hard link of the same owner leaves the capability of the file, as it leaves every other
   * attribute. Docker and containerd give the owner again, and the kernel takes a capability away
   * with that.
   */
  @Test
  void files_hardLinkOfSameOwner_keepsTheCapability() throws Exception {
    String line =
        " /ping -rw-r--r-- 5:0 mtime=1600000000000000000 size=0"
            + " sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 links=2";
    String other = line.replace("/ping", "/ping4") + " same-as=/ping";
    String capability = " security.capability=0100000200200000000000000000000000000000";
    assertEquals(
        List.of("-" + line, "-" + other, "+" + line + capability, "+" + other + capability),
        differences(capable(5)));
  }

  @Test
  void files_hardLinkOfOtherOwner_areThoseOfDocker() throws Exception {
    assertEquals(List.of(), differences(capable(6)));
  }

  private static byte[] capable(int uidOfLink) {
    return new TarBuilder()
        .pax("SCHILY.xattr.security.capability", CAPABILITY)
        .header(TarHeaderBlock.named("ping").uid(5))
        .header(TarHeaderBlock.hardLink("ping4", "ping").uid(uidOfLink))
        .end()
        .toBytes();
  }

  private static void requireOldDocker() throws Exception {
    assumeFalse(DockerDaemon.isAtLeast(21), "needs dockerd 20.10, whose differences these are");
  }

  /** What only Docker's layers have (-), and what only ours have (+). */
  private List<String> differences(byte[]... layers) throws Exception {
    Path directory = Files.createDirectory(scratch.resolve("chain-" + chains++));
    // Files have times of a clock that may be a little behind.
    Instant start = Instant.now().minusMillis(50);
    load(directory, layers);
    DataRoot ours = new DataRoot(directory.resolve("root"), "overlay2");
    List<String> differences = new ArrayList<>();
    try (LayerStore store = LayerStore.builder(ours.path()).driver("overlay2").open()) {
      ChainId parent = null;
      for (byte[] layer : layers) {
        try (Layer registered = store.register(new ByteArrayInputStream(layer), parent)) {
          parent = registered.chainId();
        }
        TreeText expected = files(theirs, parent).withNow(start);
        differences.addAll(expected.differences(files(ours, parent).withNow(start)));
      }
    }
    return differences;
  }

  private void load(Path directory, byte[]... layers) throws Exception {
    List<Path> archives = new ArrayList<>();
    List<String> diffIds = new ArrayList<>();
    for (byte[] layer : layers) {
      Path archive = Files.write(directory.resolve(archives.size() + ".tar"), layer);
      archives.add(archive);
      diffIds.add(Sha256.of(archive));
    }
    daemon.docker(
        "load", "--input", Image.of(diffIds, archives).writeTo(directory, "chain:" + chains));
  }

  private static TreeText files(DataRoot root, ChainId layer) throws Exception {
    return TreeText.of(root.driverHome().resolve(root.cacheId(layer.toString())).resolve("diff"));
  }
}
