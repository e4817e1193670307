package io.layerstore.core.image;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.DistributionMetadata.Source;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.ImportOptions;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.PruneOptions;
import io.layerstore.PrunePlan;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreCorruptedException;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is wrong on disk: reported, left alone, and no harm to anything else. */
final class DamagedImagesTest {

  private FileSystem memory;
  private Path root;
  private Path directory;
  private Image good;
  private Image bad;

  @BeforeEach
  void makeTwoImages() throws IOException {
    memory = MemoryFiles.unix();
    root = memory.getPath("/store");
    directory = root.resolve("image/vfs");
    try (LayerStore store = LayerStore.open(root)) {
      good = importFile(store, "good");
      bad = importFile(store, "bad");
    }
  }

  @AfterEach
  void discard() throws IOException {
    memory.close();
  }

  private static Image importFile(LayerStore store, String name) throws IOException {
    return store
        .images()
        .importRootFs(
            LayerSource.of(new TarBuilder().file(name, name).end().toBytes()),
            ImportOptions.builder().reference(ImageReference.parse(name)).build());
  }

  private Path content(ImageId id) {
    return directory.resolve("imagedb/content/sha256").resolve(id.digest().hex());
  }

  private Path parentFile(ImageId id) {
    return directory
        .resolve("imagedb/metadata/sha256")
        .resolve(id.digest().hex())
        .resolve("parent");
  }

  private void flipByte(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
  }

  /** Expects that the bad image alone is missing, and returns why. */
  private String onlyBadIsMissing(LayerStore store) throws IOException {
    assertEquals(List.of(good), store.images().list());
    assertEquals(good, store.images().resolve("good"));
    assertThrows(ImageNotFoundException.class, () -> store.images().get(bad.id()));
    assertThrows(ImageNotFoundException.class, () -> store.images().resolve("bad"));
    List<Finding> findings = store.images().recoveryReport().findings();
    assertEquals(findings, store.recoveryReport().findings());
    assertEquals(1, findings.size());
    assertEquals(Kind.DAMAGED_IMAGE, findings.get(0).kind());
    assertEquals(bad.id().toString(), findings.get(0).id());
    return findings.get(0).detail();
  }

  @Test
  void open_flippedByte_imageIsReportedAndKept() throws IOException {
    flipByte(content(bad.id()));
    byte[] damaged = Files.readAllBytes(content(bad.id()));
    try (LayerStore store = LayerStore.open(root)) {
      assertTrue(onlyBadIsMissing(store).contains("failed to verify"));
    }
    assertArrayEquals(damaged, Files.readAllBytes(content(bad.id())));
  }

  @Test
  void open_flippedByte_nameIsKept() throws IOException {
    flipByte(content(bad.id()));
    try (LayerStore store = LayerStore.open(root)) {
      store.images().references().addTag(ImageReference.parse("more"), good.id(), false);
      assertEquals(
          Optional.of(bad.id()), store.images().references().find(ImageReference.parse("bad")));
    }
    assertTrue(Files.readString(directory.resolve("repositories.json")).contains("bad:latest"));
  }

  @Test
  void create_ofADamagedImage_healsIt() throws IOException {
    flipByte(content(bad.id()));
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(bad, store.images().create(bad.configBytes().toByteArray()));
      assertEquals(bad, store.images().resolve("bad"));
    }
    try (LayerStore store = LayerStore.open(root)) {
      assertTrue(store.recoveryReport().isClean());
    }
  }

  @Test
  void prune_whileAnImageCannotBeRead_sparesLayersOfNoImage() throws IOException {
    flipByte(content(bad.id()));
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(
          List.of(good.topLayer().orElseThrow()),
          store.images().planPrune(PruneOptions.EVERYTHING_UNUSED).layers());
      store.images().prune(PruneOptions.EVERYTHING_UNUSED);
      assertEquals(bad, store.images().create(bad.configBytes().toByteArray()));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "no json",
        "{}",
        "{\"os\":\"windows\",\"rootfs\":{}}",
        "{\"rootfs\":{},\"config\":[]}",
        "{\"rootfs\":{\"diff_ids\":[\"x\"]}}"
      })
  void open_contentThatIsNoImageOfOurs_isReportedAndKept(String text) throws IOException {
    byte[] bytes = text.getBytes(UTF_8);
    ImageId id = ImageId.of(bytes);
    Files.write(content(id), bytes);
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(2, store.images().list().size());
      assertEquals(
          List.of(id.toString()),
          store.images().recoveryReport().findings().stream().map(Finding::id).toList());
    }
    assertArrayEquals(bytes, Files.readAllBytes(content(id)));
  }

  @Test
  void open_contentThatIsNoFile_isReported() throws IOException {
    Files.delete(content(bad.id()));
    Files.createDirectory(content(bad.id()));
    try (LayerStore store = LayerStore.open(root)) {
      assertTrue(onlyBadIsMissing(store).contains("not a regular file"));
    }
  }

  @Test
  void open_contentThatIsALink_isNotFollowed() throws IOException {
    Path elsewhere = memory.getPath("/elsewhere");
    Files.move(content(bad.id()), elsewhere);
    Files.createSymbolicLink(content(bad.id()), elsewhere);
    try (LayerStore store = LayerStore.open(root)) {
      assertTrue(onlyBadIsMissing(store).contains("not a regular file"));
    }
  }

  @Test
  void open_hugeContent_isReportedUnread() throws IOException {
    Files.write(content(bad.id()), new byte[(4 << 20) + 1]);
    try (LayerStore store = LayerStore.open(root)) {
      assertTrue(onlyBadIsMissing(store).contains("at most"));
    }
  }

  @Test
  void open_namesThatAreNoDigests_areIgnored() throws IOException {
    Path contents = content(bad.id()).getParent();
    String hex = bad.id().digest().hex();
    for (String name : List.of(".tmp-" + hex + "1", hex.toUpperCase(Locale.ROOT), "x")) {
      Files.writeString(contents.resolve(name), "x");
    }
    try (LayerStore store = LayerStore.open(root)) {
      assertTrue(store.recoveryReport().isClean());
      assertEquals(2, store.images().list().size());
    }
  }

  @Test
  void open_missingTopLayer_imageIsReportedAndKept() throws IOException {
    Files.delete(
        directory
            .resolve("layerdb/sha256")
            .resolve(bad.topLayer().orElseThrow().digest().hex())
            .resolve("size"));
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(List.of(good), store.images().list());
      List<Finding> findings = store.recoveryReport().of(Kind.DAMAGED_IMAGE);
      assertEquals(1, findings.size());
      assertTrue(findings.get(0).detail().contains(bad.topLayer().orElseThrow().toString()));
    }
    assertTrue(Files.exists(content(bad.id())));
  }

  @Test
  void create_imageWhoseLayerWasHealed_isThereWithItsNotes() throws IOException {
    Path size =
        directory
            .resolve("layerdb/sha256")
            .resolve(bad.topLayer().orElseThrow().digest().hex())
            .resolve("size");
    try (LayerStore store = LayerStore.open(root)) {
      store.images().setParent(bad.id(), good.id());
    }
    Files.delete(size);
    try (LayerStore store = LayerStore.open(root);
        Layer healed =
            store.register(
                LayerSource.of(new TarBuilder().file("bad", "bad").end().toBytes()),
                RegisterOptions.DEFAULT)) {
      assertEquals(bad.topLayer().orElseThrow(), healed.chainId());
      Image again = store.images().create(bad.configBytes().toByteArray());
      assertEquals(Optional.of(good.id()), again.parent());
      assertEquals(again, store.images().resolve("bad"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "sha256:../../../etc/passwd", "sha512:00"})
  void open_malformedParent_imageIsThereWithout(String text) throws IOException {
    Files.writeString(parentFile(bad.id()), text);
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(Optional.empty(), store.images().get(bad.id()).parent());
      assertEquals(
          List.of(bad.id().toString()),
          store.recoveryReport().of(Kind.DAMAGED_IMAGE).stream().map(Finding::id).toList());
    }
  }

  @Test
  void open_namedImageThatIsGone_isReported() throws IOException {
    Files.delete(content(bad.id()));
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(
          List.of(bad.id().toString()),
          store.recoveryReport().of(Kind.DAMAGED_IMAGE).stream().map(Finding::id).toList());
    }
  }

  @Test
  void open_parentThatIsGone_isStillShown() throws IOException {
    ImageId gone = ImageId.of(new byte[] {1});
    Files.writeString(parentFile(bad.id()), gone.toString());
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(Optional.of(gone), store.images().get(bad.id()).parent());
      assertEquals(1, store.images().children(gone).size());
    }
  }

  @Test
  void open_parentsInACircle_everythingWorks() throws IOException {
    Files.writeString(parentFile(bad.id()), good.id().toString());
    Files.writeString(parentFile(good.id()), bad.id().toString());
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(List.of(), store.images().planPrune(PruneOptions.EVERYTHING_UNUSED).images());
      assertThrows(
          IllegalArgumentException.class, () -> store.images().setParent(good.id(), bad.id()));
      store.images().delete(bad.id(), true);
      assertEquals(Optional.empty(), store.images().get(good.id()).parent());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "{\"Repositories\":[]}",
        "{\"Repositories\":{\"x\":{\"x:1\":7}}}",
        "{\"Repositories\":{}} x"
      })
  void open_malformedRepositories_imagesAreThereWithoutNamesAndTheFileIsKept(String text)
      throws IOException {
    Path file = directory.resolve("repositories.json");
    Files.writeString(file, text);
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(Set.of(good, bad), Set.copyOf(store.images().list()));
      assertEquals(Map.of(), store.images().references().list());
      List<Finding> findings = store.recoveryReport().findings();
      assertEquals(1, findings.size());
      assertEquals(Kind.DAMAGED_NAMES, findings.get(0).kind());
      assertEquals(file.toString(), findings.get(0).id());
      store.images().delete(bad.id(), false);
    }
    assertEquals(text, Files.readString(file));
  }

  @Test
  void addTag_malformedRepositories_keepsThemAside() throws IOException {
    Path file = directory.resolve("repositories.json");
    Files.writeString(file, "{\"Reposi");
    for (String name : List.of("one", "two")) {
      try (LayerStore store = LayerStore.open(root)) {
        store.images().references().addTag(ImageReference.parse(name), good.id(), false);
      }
    }
    Path aside = directory.resolve("repositories.json.damaged-1");
    assertEquals("{\"Reposi", Files.readString(aside));
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(2, store.images().references().of(good.id()).size());
      assertEquals(aside.toString(), store.recoveryReport().of(Kind.DAMAGED_NAMES).get(0).id());
    }
  }

  @Test
  void addTag_malformedRepositoriesForTheSecondTime_keepsBoth() throws IOException {
    for (String text : List.of("first", "second")) {
      Files.writeString(directory.resolve("repositories.json"), text);
      try (LayerStore store = LayerStore.open(root)) {
        store.images().references().addTag(ImageReference.parse("one"), good.id(), false);
      }
    }
    assertEquals("first", Files.readString(directory.resolve("repositories.json.damaged-1")));
    assertEquals("second", Files.readString(directory.resolve("repositories.json.damaged-2")));
  }

  @Test
  void addTag_directoryInPlaceOfRepositories_keepsItAside() throws IOException {
    Path file = directory.resolve("repositories.json");
    Files.delete(file);
    Files.createDirectory(file);
    Files.writeString(file.resolve("x"), "x");
    try (LayerStore store = LayerStore.open(root)) {
      store.images().references().addTag(ImageReference.parse("one"), good.id(), false);
      assertEquals(good, store.images().resolve("one"));
    }
    assertEquals("x", Files.readString(directory.resolve("repositories.json.damaged-1/x")));
  }

  @Test
  void prune_namesThatCannotBeRead_deletesNoImageForHavingNone() throws IOException {
    Path file = directory.resolve("repositories.json");
    Files.writeString(file, "");
    try (LayerStore store = LayerStore.open(root)) {
      PrunePlan plan = store.images().planPrune(PruneOptions.DEFAULT);
      assertEquals(List.of(), plan.images());
      assertEquals(1, plan.spared().size());
      store.images().references().addTag(ImageReference.parse("one"), good.id(), false);
      assertEquals(List.of(), store.images().planPrune(PruneOptions.DEFAULT).images());
      Files.delete(directory.resolve("repositories.json.damaged-1"));
      assertEquals(List.of(bad.id()), store.images().planPrune(PruneOptions.DEFAULT).images());
    }
  }

  @Test
  void open_malformedRepositoriesToRead_showsImagesWithoutNames() throws IOException {
    Files.writeString(directory.resolve("repositories.json"), "");
    try (LayerStore store = LayerStore.builder(root).readOnly(true).open()) {
      assertEquals(2, store.images().list().size());
      assertEquals(1, store.recoveryReport().of(Kind.DAMAGED_NAMES).size());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"null", "{}", "{\"Repositories\":null}", "{\"repositories\":{\"x\":null}}\n"})
  void open_emptyRepositories_haveNoNames(String text) throws IOException {
    Files.writeString(directory.resolve("repositories.json"), text);
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(Map.of(), store.images().references().list());
    }
  }

  @Test
  void addTag_amongEntriesThatAreNoReferences_keepsThem() throws IOException {
    String id = good.id().toString();
    String odd =
        "\"BAD NAME\":{\"BAD NAME:1\":\"ID\"},\"debian\":{\"debian\":\"ID\",\"debian:1\":\"no id\",\"other:1\":\"ID\"},"
            + "\"docker.io/library/long\":{\"docker.io/library/long:1\":\"ID\"}";
    Files.writeString(
        directory.resolve("repositories.json"),
        "{\"Repositories\":{" + odd.replace("ID", id) + "}}");
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(Map.of(), store.images().references().list());
      store.images().references().addTag(ImageReference.parse("x"), good.id(), false);
      store.images().references().remove(ImageReference.parse("debian:1"));
    }
    assertEquals(
        ("{\"Repositories\":{" + odd + ",\"x\":{\"x:latest\":\"ID\"}}}").replace("ID", id),
        Files.readString(directory.resolve("repositories.json")));
  }

  @Test
  void distribution_malformedFiles_areNamedAndReplacedByTheNextEntry() throws IOException {
    DiffId diffId = good.config().diffIds().get(0);
    Source source = new Source(Digest.sha256Of(new byte[] {1}), "r", "");
    try (LayerStore store = LayerStore.open(root)) {
      store.images().distribution().add(diffId, source);
      Path sources =
          directory.resolve("distribution/v2metadata-by-diffid/sha256/" + diffId.digest().hex());
      Path diff =
          directory.resolve("distribution/diffid-by-digest/sha256/" + source.digest().hex());
      for (String text : List.of("x", "{}", "[{\"Digest\":\"../x\"}]", "[7]")) {
        Files.writeString(sources, text);
        assertThrows(
            StoreCorruptedException.class, () -> store.images().distribution().sources(diffId));
      }
      Files.writeString(diff, "sha256:x");
      assertThrows(
          StoreCorruptedException.class,
          () -> store.images().distribution().diffId(source.digest()));
      store.images().distribution().add(diffId, source);
      assertEquals(List.of(source), store.images().distribution().sources(diffId));
      assertEquals(Optional.of(diffId), store.images().distribution().diffId(source.digest()));
    }
  }
}
