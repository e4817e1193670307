package io.layerstore.core;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.CommitOptions;
import io.layerstore.Layer;
import io.layerstore.LayerPath;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.RootedFile;
import io.layerstore.TarOptions;
import io.layerstore.testing.Sha256;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whatever a file system can hold, a store on it tells the same of the same layers: what it
 * exports, what changed, how large it is, how layers differ.
 */
@SuppressWarnings("try") // Held by scope, not by name.
final class PortabilityTest {

  private static final Instant LATEST = Instant.ofEpochSecond(TarHeaderBlock.MODIFIED);
  private static final TarOptions TAR = TarOptions.builder().latestTime(LATEST).build();

  private static final byte[] BASE =
      new TarBuilder()
          .directory("man/")
          .file("man/PAM.7.gz", "upper")
          .file("man/pam.7.gz", "lower")
          .file("man/Pam.7.gz", "mixed")
          .file("man/pAM.7.gz", "another")
          .directory("Dir/")
          .directory("dir/")
          .file("Dir/same", "1")
          .file("dir/same", "2")
          .file("dir/SAME", "3")
          .file("caf\u00e9", "composed")
          .file("cafe\u0301", "decomposed")
          .file("CAF\u00c9", "upper")
          .file("Net::DNS.3pm", "colons")
          .file("a\\b", "backslash")
          .file("what?*<>|\"", "reserved")
          .file("dot.", "dot")
          .file("space ", "space")
          .file("con", "device")
          .file("CON", "device")
          .file("aux.txt", "device")
          .file("100%41", "percent")
          .file("tab\tand\nnewline", "control")
          .file("private\uf03ause\uf0ff", "looks like an escape")
          .file("private:use", "what that looks like")
          .gnuLong('L', "bytes \u00ff\u0080".getBytes(ISO_8859_1))
          .file("bytes", "no text")
          .symlink("to-dir", "dir")
          .symlink("to-Dir", "/Dir")
          .symlink("absolute", "/man/pam.7.gz")
          .symlink("slashes", "dir//same")
          .symlink("colons", "Net::DNS.3pm")
          .symlink("nowhere", "C:\\Windows")
          .hardLink("one", "dir/same")
          .hardLink("two", "dir/same")
          .hardLink("colons-too", "colons")
          .header(TarHeaderBlock.named("null").type('3').device(1, 3))
          .end()
          .toBytes();

  private static final byte[] CHILD =
      new TarBuilder()
          .directory("man/")
          .file("man/.wh.PAM.7.gz", "")
          .file("man/Pam.7.gz", "changed")
          .directory("dir/")
          .file("to-dir/through", "a link")
          .file("to-Dir/through", "another link")
          .file("one", "no longer the same")
          .hardLink("three", "two")
          .header(TarHeaderBlock.hardLink("four", "two").mode(0600).uid(7).gid(8))
          .symlink("caf\u00e9", "con")
          .file("absolute", "no link any more")
          .file(".wh.dot.", "")
          .end()
          .toBytes();

  private static final byte[] DIFF =
      new TarBuilder()
          .directory("man/")
          .file("man/.wh.pam.7.gz", "")
          .file("man/PAM.7.GZ", "yet another")
          .directory("Dir/")
          .file("Dir/.wh..wh..opq", "")
          .file("Dir/SAME", "1")
          .file("Net::DNS.3pm", "changed")
          .file(".wh.private\uf03ause\uf0ff", "")
          .symlink("colons", "Net::DNS.4pm")
          .hardLink("five", "four")
          .file("NUL", "new")
          .end()
          .toBytes();

  @TempDir private Path disk;

  /** All that a store tells of these layers. */
  private static List<String> told(Path root) throws IOException {
    List<String> told = new ArrayList<>();
    ChainId top;
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(LayerSource.of(BASE), RegisterOptions.DEFAULT);
        Layer child =
            store.register(LayerSource.of(CHILD), RegisterOptions.onTopOf(base.chainId()));
        RWLayer rw = store.createRWLayer("rw", child.chainId())) {
      told.add("unchanged: " + changes(rw) + rw.sizeBytes());
      rw.applyDiff(new ByteArrayInputStream(DIFF));
      told.add("changes: " + changes(rw));
      told.add("size: " + rw.sizeBytes());
      told.add("diff: " + Sha256.of(rw.tarStream(TAR)));
      try (Layer committed = rw.commit(CommitOptions.builder().latestTime(LATEST).build())) {
        top = committed.chainId();
        told.add("committed: " + top + " " + committed.diffSizeBytes());
      }
    }
    try (LayerStore store = LayerStore.builder(root).readOnly(true).open();
        Layer layer = store.get(top)) {
      told.add("layer: " + Sha256.of(layer.tarStream()));
      told.add("merged: " + Sha256.of(layer.tarStreamFrom(null, TAR)));
      Layer parent = store.get(layer.parent().orElseThrow());
      told.add("merged below: " + Sha256.of(parent.tarStreamFrom(null, TAR)));
      parent.close();
    }
    try (LayerStore store = LayerStore.open(root);
        RWLayer rw = store.getRWLayer("rw");
        RWLayer fresh = store.createRWLayer("fresh", top)) {
      told.add("changes: " + changes(rw));
      told.add("fresh: " + changes(fresh) + fresh.sizeBytes());
    }
    return told;
  }

  private static List<String> changes(RWLayer rw) throws IOException {
    try (Stream<Change> changes = rw.changes()) {
      return changes.map(Change::toString).toList();
    }
  }

  @ParameterizedTest
  @EnumSource
  void store_onAnyFileSystem_tellsTheSame(PoorFileSystem kind) throws Exception {
    Path root = kind.newRoot();
    try (AutoCloseable memory = PoorFileSystem.memory(root)) {
      assertEquals(String.join("\n", told(disk.resolve("store"))), String.join("\n", told(root)));
    }
  }

  @ParameterizedTest
  @EnumSource
  void mount_onAnyFileSystem_readsAndWritesTheSame(PoorFileSystem kind) throws Exception {
    Path root = kind.newRoot();
    try (AutoCloseable memory = PoorFileSystem.memory(root)) {
      assertEquals(
          String.join("\n", toldOfMount(disk.resolve("store"))),
          String.join("\n", toldOfMount(root)));
    }
  }

  /** Where a file's names are copies, the one that is written to is a file of its own then. */
  @ParameterizedTest
  @EnumSource(names = {"NO_LINKS", "NO_RIGHT_TO_LINK", "NO_FILE_KEYS"})
  void mount_nameThatIsACopy_isWrittenAlone(PoorFileSystem kind) throws Exception {
    Path root = kind.newRoot();
    try (AutoCloseable memory = PoorFileSystem.memory(root);
        LayerStore store = LayerStore.open(root);
        Layer base = store.register(LayerSource.of(BASE), RegisterOptions.DEFAULT);
        RWLayer work = store.createRWLayer("work", base.chainId());
        Mount mount = work.mount()) {
      mount.file("slashes").writeString("x", StandardOpenOption.TRUNCATE_EXISTING);

      assertEquals("x", mount.file("dir/same").readString());
      assertEquals("2", mount.file("one").readString());
      assertEquals(List.of("C /dir", "C /dir/same"), changes(work));
    }
  }

  /** What a mount shows of these layers, and what comes of writing through it. */
  private static List<String> toldOfMount(Path root) throws IOException {
    List<String> told = new ArrayList<>();
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(LayerSource.of(BASE), RegisterOptions.DEFAULT);
        Layer child =
            store.register(LayerSource.of(CHILD), RegisterOptions.onTopOf(base.chainId()));
        RWLayer work = store.createRWLayer("work", child.chainId())) {
      try (Mount mount = base.mount()) {
        tell(mount, "", told);
      }
      try (Mount mount = work.mount()) {
        told.add("child:");
        tell(mount, "", told);
        told.add("unchanged: " + changes(work));
        write(mount);
        told.add("written:");
        tell(mount, "", told);
      }
      told.add("changes: " + changes(work));
      told.add("diff: " + Sha256.of(work.tarStream(TAR)));
      try (Layer committed = work.commit(CommitOptions.builder().latestTime(LATEST).build());
          Mount mount = committed.mount()) {
        told.add("committed: " + committed.chainId());
        tell(mount, "", told);
      }
    }
    return told;
  }

  /** Everything below {@code directory}, with what is read there. */
  private static void tell(Mount mount, String directory, List<String> told) throws IOException {
    for (LayerPath path : mount.file(directory).list()) {
      told.add(path + ": " + read(mount.file(path)));
      if (isDirectory(mount.file(path))) {
        tell(mount, path.toString(), told);
      }
    }
  }

  private static String read(RootedFile file) {
    try {
      return file.readString();
    } catch (FileSystemException e) {
      return e.getClass().getSimpleName() + " " + e.getReason();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isDirectory(RootedFile file) throws IOException {
    return Files.isDirectory(file.path(LinkOption.NOFOLLOW_LINKS), LinkOption.NOFOLLOW_LINKS);
  }

  private static void write(Mount mount) throws IOException {
    mount.file("man/pam.7.gz").writeString("written");
    mount.file("man/paM.7.gz").writeString("new beside others");
    mount.file("to-dir/new").writeString("through a link");
    mount.file("to-Dir/SAME").writeString("through an absolute link");
    mount.file("colons").writeString("in the target");
    mount.file("nowhere").writeString("in the target that was not there");
    mount.file("AUX/Con/a:b").createDirectories();
    mount.file("AUX/Con/a:b/what?").writeString("new");
    mount.file("colons-too").delete();
    mount.file("to-dir").delete();
    mount.file("to-dir").createDirectories();
    mount.file("dir/SAME").delete();
    mount.file("what?*<>|\"").delete();
    mount.file("what?*<>|\"").writeString("made again");
    mount.file("CAF\u00c9").delete();
    mount.file("Dir/through").delete();
  }

  @ParameterizedTest
  @EnumSource
  void tarStream_onAnyFileSystem_hasTheSameBytes(PoorFileSystem kind) throws Exception {
    Path root = kind.newRoot();
    try (AutoCloseable memory = PoorFileSystem.memory(root);
        LayerStore store = LayerStore.open(root);
        Layer base = store.register(LayerSource.of(BASE), RegisterOptions.DEFAULT);
        Layer child =
            store.register(LayerSource.of(CHILD), RegisterOptions.onTopOf(base.chainId()));
        InputStream baseTar = base.tarStream();
        InputStream childTar = child.tarStream()) {
      assertArrayEquals(BASE, baseTar.readAllBytes());
      assertArrayEquals(CHILD, childTar.readAllBytes());
    }
  }
}
