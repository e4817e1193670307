package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.ArchiveException;
import io.layerstore.Change;
import io.layerstore.CommitImageOptions;
import io.layerstore.CommitOptions;
import io.layerstore.Compression;
import io.layerstore.DiskUsage;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageTarget;
import io.layerstore.ImportOptions;
import io.layerstore.Layer;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Limits;
import io.layerstore.LoadReport;
import io.layerstore.Mount;
import io.layerstore.PruneOptions;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerOptions;
import io.layerstore.RegisterOptions;
import io.layerstore.SaveOptions;
import io.layerstore.TarOptions;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.TarBuilder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The programs a user writes first, as they would be written. Whoever changes the API looks at how
 * they read.
 */
final class FirstProgramsTest {

  private final FileSystem memory = Jimfs.newFileSystem(Configuration.unix());
  private final Path root = memory.getPath("/store");
  private final Path archive = memory.getPath("/layer.tar");
  private final Path upperArchive = memory.getPath("/upper.tar");
  private final Path imageArchive = memory.getPath("/image.tar");

  @BeforeEach
  void archives() throws IOException {
    Files.write(archive, new TarBuilder().file("etc/motd", "hello\n").end().toBytes());
    Files.write(upperArchive, new TarBuilder().file("upper", "u\n").end().toBytes());
    ImageFiles.docker(SampleImage.small("demo", 2), "demo:1").writeTar(imageArchive);
  }

  @AfterEach
  void closeMemory() throws IOException {
    memory.close();
  }

  @Test
  void registerAFile() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        Layer layer = store.register(archive)) {
      assertEquals(layer.diffId().digest(), layer.chainId().digest());
    }
  }

  @Test
  void registerAStreamOnAParent() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(archive);
        InputStream tar = Files.newInputStream(upperArchive);
        Layer upper = store.register(tar, base.chainId())) {
      assertEquals(base.chainId(), upper.parent().orElseThrow());
    }
  }

  @Test
  void registerWhatIsExpected() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(archive)) {
      RegisterOptions expected =
          RegisterOptions.builder().expectedDiffId(base.diffId()).verifyExisting(true).build();
      try (Layer again = store.register(LayerSource.of(archive), expected)) {
        assertEquals(base.chainId(), again.chainId());
      }
    }
  }

  @Test
  void exportALayer() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        Layer layer = store.register(archive);
        InputStream tar = layer.tarStream()) {
      assertArrayEquals(Files.readAllBytes(archive), tar.readAllBytes());
    }
  }

  @Test
  void readAFileOfALayer() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        Layer layer = store.register(archive);
        Mount mount = layer.mount()) {
      assertEquals("hello\n", mount.file("etc/motd").readString());
    }
  }

  @Test
  void changeFilesAndListTheChanges() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(archive);
        RWLayer work = store.createRWLayer("work", base.chainId())) {
      try (Mount mount = work.mount()) {
        mount.file("etc/motd").writeString("changed\n");
        mount.file("added").writeString("new\n");
      }
      try (Stream<Change> changes = work.changes()) {
        assertEquals(
            List.of("A /added", "C /etc", "C /etc/motd"),
            changes.map(Change::toString).sorted().toList());
      }
    }
  }

  @Test
  void createAReadWriteLayerOnNothing() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        RWLayer scratch = store.createRWLayer("scratch");
        Mount mount = scratch.mount()) {
      mount.file("a").writeString("a");
      assertTrue(Files.exists(mount.path().resolve("a")));
    }
  }

  @Test
  void prepareAReadWriteLayer() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(archive)) {
      RWLayerOptions options =
          RWLayerOptions.builder()
              .parent(base.chainId())
              .initializer(files -> files.file("etc/hosts").writeString("127.0.0.1 localhost\n"))
              .build();
      try (RWLayer work = store.createRWLayer("work", options);
          Stream<Change> changes = work.changes()) {
        assertEquals(0, changes.count());
      }
    }
  }

  @Test
  void findAReadWriteLayerAgainAndDeleteIt() throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      store.createRWLayer("work").close();
    }
    try (LayerStore store = LayerStore.open(root)) {
      RWLayer work = store.getRWLayer("work");
      store.releaseRWLayer(work);
      assertEquals(List.of(), store.rwLayers());
    }
  }

  @Test
  void workInATemporaryLayer() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(archive)) {
      try (RWLayer work = store.createTemporaryRWLayer(base.chainId());
          Mount mount = work.mount()) {
        mount.file("etc/motd").delete();
      }
      assertEquals(List.of(), store.rwLayers());
    }
  }

  @Test
  void runACommandInALayer(@TempDir Path disk) throws Exception {
    try (LayerStore store = LayerStore.builder(disk.resolve("store")).driver("vfs").open();
        RWLayer work = store.createRWLayer("work");
        Mount mount = work.mount()) {
      Process process = mount.enter(new ProcessBuilder("touch", "made")).start();
      assertEquals(0, process.waitFor());
      assertEquals("", mount.file("made").readString());
    }
  }

  @Test
  void commitToALayer() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(archive);
        RWLayer work = store.createRWLayer("work", base.chainId())) {
      try (Mount mount = work.mount()) {
        mount.file("added").writeString("new\n");
      }
      CommitOptions options = CommitOptions.builder().releaseAfterwards(true).build();
      try (Layer made = work.commit(options)) {
        assertEquals(2, made.depth());
      }
      assertEquals(List.of(), store.rwLayers());
    }
  }

  @Test
  void exportTheChangesCompressed() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        RWLayer work = store.createRWLayer("work")) {
      TarOptions options = TarOptions.builder().compression(Compression.GZIP).build();
      try (InputStream tar = work.tarStream(options)) {
        assertEquals(0x1f, tar.read());
      }
    }
  }

  @Test
  void explainWhoUsesALayer() throws IOException {
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(archive);
        Layer upper = store.register(upperArchive, base.chainId());
        RWLayer work = store.createRWLayer("work", base.chainId())) {
      assertEquals(List.of(upper.chainId()), base.usage().children());
      assertEquals(List.of(work.name()), base.usage().rwLayers());
    }
  }

  @Test
  void deleteALayerThatNothingUses() throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      Layer layer = store.register(archive);
      assertEquals(1, store.release(layer).size());
      assertThrows(LayerNotFoundException.class, () -> store.get(layer.chainId()));
    }
  }

  @Test
  void openToReadOnly() throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      store.register(archive).close();
    }
    try (LayerStore store = LayerStore.builder(root).readOnly(true).open()) {
      assertEquals(1, store.layers().size());
    }
  }

  @Test
  void refuseWhatIsTooLarge() throws IOException {
    Limits limits = Limits.builder().maxEntries(1).maxUnpackedBytes(100).build();
    try (LayerStore store = LayerStore.builder(root).limits(limits).open()) {
      ArchiveException e = assertThrows(ArchiveException.class, () -> store.register(archive));
      assertEquals(ArchiveException.Kind.LIMIT_EXCEEDED, e.kind());
      assertEquals("maxUnpackedBytes", e.liftedBy().orElseThrow());
    }
  }

  @Test
  void loadAnImageAndListImages() throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      LoadReport loaded = store.images().load(imageArchive);
      Image image = store.images().resolve("demo:1");
      assertEquals(loaded.images().get(0).id(), image.id());
      assertEquals(List.of(image), store.images().list());
    }
  }

  @Test
  void saveAnImageToAFile() throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      store.images().load(imageArchive);
      store.images().save("demo:1", memory.getPath("/saved.tar"));
      assertTrue(Files.size(memory.getPath("/saved.tar")) > 0);
    }
  }

  @Test
  void saveImagesToADirectoryOrAStream() throws IOException {
    SaveOptions oci = SaveOptions.builder().format(SaveOptions.Format.OCI).build();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (LayerStore store = LayerStore.open(root)) {
      store.images().load(imageArchive);
      store.images().save(List.of("demo"), ImageTarget.directory(memory.getPath("/oci")), oci);
      store.images().save(List.of("demo"), ImageTarget.stream(out), oci);
      assertTrue(Files.exists(memory.getPath("/oci/index.json")));
      assertTrue(out.size() > 0);
    }
  }

  @Test
  void commitToAnImage() throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      store.images().load(imageArchive);
      Image image = store.images().resolve("demo:1");
      try (RWLayer work = store.createTemporaryRWLayer(image.topLayer().orElseThrow())) {
        try (Mount mount = work.mount()) {
          mount.file("added").writeString("new\n");
        }
        Image made = store.images().commit(work, ImageReference.parse("mine:1"));
        assertEquals(image.id(), made.parent().orElseThrow());

        CommitImageOptions options =
            CommitImageOptions.builder().author("me").changes(List.of("ENV A=b")).build();
        assertEquals(List.of("A=b"), store.images().commit(work, options).config().run().env());
      }
    }
  }

  @Test
  void importARootFileSystem() throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      ImportOptions options =
          ImportOptions.builder().reference(ImageReference.parse("rootfs:1")).build();
      Image image = store.images().importRootFs(LayerSource.of(archive), options);
      assertEquals(1, image.config().diffIds().size());
    }
  }

  @Test
  void tagAndDeleteImages() throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      store.images().load(imageArchive);
      Image image = store.images().resolve("demo:1");
      ImageReference other = ImageReference.parse("demo:2");
      store.images().references().addTag(other, image.id(), false);
      assertTrue(store.images().references().remove(other));
      assertFalse(store.images().delete(image.id(), false).isEmpty());
    }
  }

  @Test
  void seeWhatIsUsedAndPrune() throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      store.images().load(imageArchive);
      DiskUsage usage = store.images().diskUsage();
      var plan = store.images().planPrune(PruneOptions.EVERYTHING_UNUSED);
      assertEquals(usage.reclaimableBytes(), plan.reclaimableBytes());
      assertEquals(plan.images(), store.images().prune(plan).images());
      assertEquals(Map.of(), store.images().references().list());
    }
  }

  @Test
  void pruneInOneCall() throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      store.images().load(imageArchive);
      var plan = store.images().planPrune(PruneOptions.EVERYTHING_UNUSED);
      assertEquals(plan.images(), store.images().prune(PruneOptions.EVERYTHING_UNUSED).images());
      assertEquals(List.of(), store.images().list());
    }
  }
}
