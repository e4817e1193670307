package io.layerstore.overlay2;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.BuildOptions;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.DistributionMetadata;
import io.layerstore.DistributionMetadata.Source;
import io.layerstore.Durability;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImportOptions;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LoadOptions;
import io.layerstore.Mount;
import io.layerstore.PruneOptions;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What images, the tables of a store, and what deletes and looks after it cost, as a function of
 * layers, entries and images. {@link OperationCostsTest} does the same for layers.
 */
final class StoreCostsTest extends CountedStore {

  private static final Cost NOTHING = new Cost(Map.of(), Map.of(), 0);

  private static ImageSource source(String name, int layers, String... tags) {
    return ImageSource.of(
        ImageFiles.docker(SampleImage.small(name, layers), tags).smallFirst().toStream());
  }

  private Image load(String name, int layers) throws IOException {
    store.images().load(source(name, layers, name + ":1"), LoadOptions.DEFAULT);
    return store.images().resolve(name + ":1");
  }

  private void reopen(Durability durability) throws IOException {
    store.close();
    store = open(durability == Durability.FULL ? "durable" : "store", durability);
  }

  /** What an operation on many costs more than the same on few, for each one more. */
  private static Map<String, Integer> slope(Cost few, Cost many, int more) {
    Map<String, Integer> slope = new TreeMap<>();
    many.requests()
        .forEach(
            (request, count) -> {
              int grown = count - few.requests().getOrDefault(request, 0);
              assertEquals(0, grown % more, () -> few + " and " + many);
              slope.put(request, grown / more);
            });
    slope.values().removeIf(each -> each == 0);
    return slope;
  }

  // ---- what is in memory ----

  @Test
  void tables_read_costNothing() throws IOException {
    Image image = load("many", MANY);
    ChainId top = image.topLayer().orElseThrow();
    store.createRWLayer("rw", top).close();
    assertEquals(
        NOTHING,
        costOf(
            () -> {
              store.images().list();
              store.images().get(image.id());
              store.images().resolve("many:1");
              store.images().children(image.id());
              store.images().manifests(image.id());
              store.images().references().list();
              store.images().references().of(image.id());
              store.layers();
              store.rwLayers();
              store.mountId("rw");
              store.resolve(top.toString());
              store.users();
              store.driverName();
              store.driverChoice();
              store.recoveryReport();
              store.images().recoveryReport();
              try (Layer layer = store.get(top);
                  RWLayer rw = store.getRWLayer("rw")) {
                layer.metadata();
                layer.usage();
                layer.sizeBytes();
                rw.metadata();
              }
            }));
  }

  @Test
  void diskUsage_manyLayersAndEntries_asForFew() throws IOException {
    load("few", FEW);
    Cost few = costOf(() -> store.images().diskUsage());
    load("many", MANY);
    register(archive("entries", MANY, 1), null);
    assertEquals(few, costOf(() -> store.images().diskUsage()));
    assertEquals(NOTHING, few);
  }

  @Test
  void open_manyImagesAndLayers_asForFew() throws IOException {
    load("few", FEW);
    Cost few = costOf(() -> reopen(Durability.NONE));
    load("many", MANY);
    assertEquals(few, costOf(() -> reopen(Durability.NONE)));
    assertEquals(0, few.forces());
    assertEquals(0, few.requests().getOrDefault("mount", 0));
  }

  // ---- references ----

  @Test
  void tagAndUntag_durablyAmongManyReferences_forceAsAmongFew() throws IOException {
    reopen(Durability.FULL);
    Image image = load("some", 1);
    Operation tagAndUntag =
        () -> {
          ImageReference name = ImageReference.parse("other:1");
          store.images().references().addTag(name, image.id(), false);
          store.images().references().remove(name);
        };
    tagAndUntag.run();
    Cost few = costOf(tagAndUntag);
    for (int i = 0; i < MANY; i++) {
      store.images().references().addTag(ImageReference.parse("x:" + i), image.id(), false);
    }
    assertEquals(few, costOf(tagAndUntag));
    assertEquals(Map.of(), few.requests());
    // The names twice, and once the time of tagging: each a file and its name.
    assertTrue(few.forces() <= 6, few::toString);
  }

  @Test
  void addDigest_durably_forcesTheNamesAlone() throws IOException {
    reopen(Durability.FULL);
    Image image = load("some", 1);
    ImageReference repository = ImageReference.parseRepository("some");
    Cost cost =
        costOf(
            () ->
                store.images().references().addDigest(repository, image.id().digest(), image.id()));
    assertEquals(Map.of(), cost.requests());
    assertTrue(cost.forces() <= 2, cost::toString);
  }

  // ---- what is noted beside images ----

  @Test
  void setParent_durablyAmongManyImages_forcesOneFileAndItsName() throws IOException {
    reopen(Durability.FULL);
    Image child = load("child", 1);
    Image parent = load("parent", 1);
    store.images().setParent(child.id(), parent.id()); // Makes the directory.
    Cost few = costOf(() -> store.images().setParent(child.id(), parent.id()));
    load("many", MANY);
    assertEquals(few, costOf(() -> store.images().setParent(child.id(), parent.id())));
    assertEquals(Map.of(), few.requests());
    assertTrue(few.forces() <= 2, few::toString);
  }

  @Test
  void createImage_durablyOnOneLayerOrAHundred_forcesOneFileAndItsName() throws IOException {
    reopen(Durability.FULL);
    for (int layers : new int[] {1, MANY}) {
      Image image = load("on" + layers, layers);
      String config =
          new String(image.configBytes().toByteArray(), UTF_8)
              .replaceFirst("\\{", "{\"author\":\"me\",");
      Cost cost = costOf(() -> store.images().create(config.getBytes(UTF_8)));
      assertEquals(Map.of(), cost.requests());
      assertTrue(cost.forces() <= 2, cost::toString);
    }
  }

  @Test
  void distributionMetadata_durablyAmongManyLayers_forcesTwoFilesAndTheirNames()
      throws IOException {
    reopen(Durability.FULL);
    Image image = load("many", MANY);
    DiffId diffId = image.config().diffIds().get(0);
    Source source = new Source(Digest.sha256Of(new byte[1]), "docker.io/library/many", "");
    DistributionMetadata distribution = store.images().distribution();
    distribution.add(diffId, source); // Makes the directories.
    distribution.remove(diffId, source);
    Cost added = costOf(() -> distribution.add(diffId, source));
    assertEquals(Map.of(), added.requests());
    assertTrue(added.forces() <= 4, added::toString);
    assertEquals(
        NOTHING,
        costOf(
            () -> {
              distribution.sources(diffId);
              distribution.diffId(source.digest());
              distribution.hmac("{}", source.digest(), source.sourceRepository());
            }));
    Cost removed = costOf(() -> distribution.remove(diffId, source));
    assertEquals(Map.of(), removed.requests());
    assertTrue(removed.forces() <= 4, removed::toString);
  }

  // ---- images in ----

  @Test
  void load_moreLayers_costsAsMuchForEach() throws IOException {
    load("warm", 1);
    Cost few = costOf(() -> load("few", FEW));
    Cost many = costOf(() -> load("many", 10 * FEW));
    assertEquals(Map.of("openWriter", 1, "finish", 1), slope(few, many, 9 * FEW));
    assertEquals(0, many.started(), many::toString);
    assertEquals(0, many.forces());
  }

  @Test
  void load_durably_forcesEachLayerAsOftenAsRegister() throws IOException {
    reopen(Durability.FULL);
    load("warm", 1);
    Cost few = costOf(() -> load("few", FEW));
    Cost many = costOf(() -> load("many", 10 * FEW));
    int each = (many.forces() - few.forces()) / (9 * FEW);
    assertTrue(each <= OperationCostsTest.forcesOfALayer(directory), each + " forces: " + many);
    assertEquals(0, many.started(), many::toString);
  }

  @Test
  void load_imageThatIsThere_asksNothingTheSecondTime() throws IOException {
    load("many", MANY);
    Cost cost = costOf(() -> load("many", MANY));
    assertEquals(Map.of(), cost.requests());
    assertEquals(0, cost.started());
  }

  @Test
  void importRootFs_manyFiles_asForFew() throws IOException {
    warmUp();
    Cost few = costOf(() -> importFiles("a", FEW));
    assertEquals(few, costOf(() -> importFiles("b", MANY)));
    assertEquals(0, few.started(), few::toString);
  }

  private void importFiles(String name, int files) throws IOException {
    store.images().importRootFs(LayerSource.of(archive(name, files, 1)), ImportOptions.DEFAULT);
  }

  @Test
  void build_manyFilesInItsSteps_asForFew() throws IOException {
    load("base", 2);
    warmUp();
    Cost few = built("few", FEW);
    assertEquals(few, built("many", MANY));
    assertEquals(0, few.started() + few.forces(), few::toString);
  }

  private Cost built(String name, int files) throws IOException {
    BuildOptions options =
        BuildOptions.builder()
            .base("base:1")
            .layer(LayerSource.of(archive(name + "1", files, 1)))
            .layer(LayerSource.of(archive(name + "2", files, 1)))
            .build();
    return costOf(() -> store.images().build(options));
  }

  // ---- files of images ----

  private static void readAll(FileSystem files) throws IOException {
    try (Stream<Path> all = Files.walk(files.getPath("/"))) {
      for (Path path : (Iterable<Path>) all::iterator) {
        if (Files.isRegularFile(path)) {
          Files.readAllBytes(path);
        }
      }
    }
  }

  @Test
  void view_opened_asksNothingHoweverManyLayers() throws IOException {
    for (int layers : new int[] {1, MANY}) {
      Image image = load("view" + layers, layers);
      assertEquals(NOTHING, costOf(() -> image.fileSystem().close()));
    }
  }

  @Test
  void view_walkedWithAttributes_asksNothing() throws IOException {
    try (FileSystem files = load("many", MANY).fileSystem();
        Stream<Path> all = Files.walk(files.getPath("/"))) {
      assertEquals(
          NOTHING, costOf(() -> assertEquals(MANY + 1, all.filter(Files::isReadable).count())));
    }
  }

  @Test
  void view_readWhole_opensALayerOnceHoweverManyFiles() throws IOException {
    warmUp();
    Cost few = read("a", FEW);
    Cost many = read("b", MANY);
    assertEquals(new Cost(Map.of("openDiff", 1), Map.of(), 0), few);
    assertEquals(few, many);
  }

  private Cost read(String name, int files) throws IOException {
    byte[] tar = archive(name, files, 1);
    try (Layer layer = store.register(LayerSource.of(tar), RegisterOptions.DEFAULT)) {
      return costOf(
          () -> {
            try (FileSystem view = layer.fileSystem()) {
              readAll(view);
            }
          });
    }
  }

  @Test
  void fileSystemOfARWLayer_manyFilesChanged_asForFew() throws IOException {
    warmUp();
    Cost few = shownChanges("few", FEW);
    assertEquals(few, shownChanges("many", MANY));
    assertEquals(0, few.started() + few.forces(), few::toString);
  }

  private Cost shownChanges(String name, int files) throws IOException {
    try (RWLayer rw = store.createRWLayer(name, chain(1))) {
      rw.applyDiff(new ByteArrayInputStream(archive("f", files, 1)));
      return costOf(
          () -> {
            try (FileSystem view = rw.fileSystem()) {
              readAll(view);
            }
          });
    }
  }

  // ---- layers ----

  @Test
  void register_verifyingWhatIsThere_manyFilesAsFew() throws IOException {
    warmUp();
    Cost few = verified("a", FEW);
    assertEquals(few, verified("b", MANY));
    assertEquals(0, few.started(), few::toString);
  }

  private Cost verified(String name, int files) throws IOException {
    byte[] tar = archive(name, files, 1);
    try (Layer layer = store.register(LayerSource.of(tar), RegisterOptions.DEFAULT)) {
      RegisterOptions verify =
          RegisterOptions.builder().expectedChainId(layer.chainId()).verifyExisting(true).build();
      return costOf(() -> store.register(LayerSource.of(tar), verify).close());
    }
  }

  @Test
  void layerMountedToRead_oneLayerOrAHundred_twoRoundTrips() throws IOException {
    warmUp();
    for (int layers : new int[] {FEW, MANY}) {
      try (Layer layer = store.get(chain(layers))) {
        Cost cost = costOf(() -> layer.mount().close());
        assertEquals(new Cost(Map.of("mount", 1, "unmount", 1), Map.of(), 0), cost);
      }
    }
  }

  @Test
  void archiveOfSeveralLayers_manyFiles_asForFew() throws IOException {
    warmUp();
    Cost few = flattened("few", FEW);
    assertEquals(few, flattened("many", MANY));
    assertEquals(0, few.started(), few::toString);
  }

  private Cost flattened(String name, int files) throws IOException {
    ChainId parent = chain(2);
    try (Layer layer = store.register(LayerSource.of(archive(name, files, 1)), onTopOf(parent))) {
      return costOf(() -> readAll(layer.tarStreamFrom(null)));
    }
  }

  private static void readAll(InputStream tar) throws IOException {
    try (tar) {
      tar.transferTo(OutputStream.nullOutputStream());
    }
  }

  // ---- read-write layers ----

  @Test
  void mountClosedLazily_oneLayerOrAHundred_twoRoundTrips() throws IOException {
    warmUp();
    for (int layers : new int[] {1, MANY}) {
      RWLayer rw = store.createRWLayer("rw" + layers, chain(layers));
      Cost cost = costOf(() -> rw.mount().closeLazily());
      assertEquals(new Cost(Map.of("mount", 1, "unmount", 1), Map.of(), 0), cost);
    }
  }

  @Test
  void commit_manyFilesChanged_asForFew() throws IOException {
    warmUp();
    Cost few = committed("few", FEW);
    assertEquals(few, committed("many", MANY));
    assertEquals(0, few.started() + few.forces(), few::toString);
  }

  private Cost committed(String name, int files) throws IOException {
    try (RWLayer rw = store.createRWLayer(name, chain(2))) {
      rw.applyDiff(new ByteArrayInputStream(archive(name, files, 1)));
      return costOf(() -> rw.commit().close());
    }
  }

  @Test
  void createRWLayer_onAHundredLayers_asOnOne() throws IOException {
    warmUp();
    ChainId low = chain(1);
    ChainId high = chain(MANY);
    Cost onOne = costOf(() -> store.createRWLayer("low", low).close());
    assertEquals(onOne, costOf(() -> store.createRWLayer("high", high).close()));
    assertEquals(0, onOne.started() + onOne.forces(), onOne::toString);
  }

  @Test
  void releaseRWLayer_manyFiles_asFew() throws IOException {
    warmUp();
    Cost few = released("few", FEW);
    assertEquals(few, released("many", MANY));
    assertEquals(0, few.started() + few.forces(), few::toString);
    assertNull(few.requests().get("sync"));
  }

  private Cost released(String name, int files) throws IOException {
    RWLayer rw = store.createRWLayer(name, chain(1));
    try (Mount mount = rw.mount()) {
      for (int i = 0; i < files; i++) {
        Files.createFile(mount.path().resolve("f" + i));
      }
    }
    return costOf(() -> store.releaseRWLayer(rw));
  }

  @Test
  void applyDiff_manyFiles_asForFew() throws IOException {
    warmUp();
    ChainId top = chain(1);
    Cost few = applied("few", top, FEW);
    assertEquals(few, applied("many", top, MANY));
    assertEquals(0, few.started(), few::toString);
  }

  private Cost applied(String name, ChainId top, int files) throws IOException {
    try (RWLayer rw = store.createRWLayer(name, top)) {
      return costOf(() -> rw.applyDiff(new ByteArrayInputStream(archive("f", files, 1))));
    }
  }

  // ---- what deletes ----

  @Test
  void deleteImage_moreLayers_oneRequestForEach() throws IOException {
    Image few = load("few", FEW);
    Image many = load("many", 10 * FEW);
    Cost cost = costOf(() -> store.images().delete(few.id(), true));
    Cost more = costOf(() -> store.images().delete(many.id(), true));
    assertEquals(Map.of("remove", 1), slope(cost, more, 9 * FEW));
    assertEquals(0, more.started() + more.forces(), more::toString);
  }

  @Test
  void prune_moreLayers_oneRequestForEach() throws IOException {
    chain(FEW);
    Cost few = costOf(() -> store.images().prune(PruneOptions.EVERYTHING_UNUSED));
    chain(MANY);
    Cost many = costOf(() -> store.images().prune(PruneOptions.EVERYTHING_UNUSED));
    assertEquals(Map.of("remove", 1), slope(few, many, MANY - FEW));
    assertEquals(0, many.started() + many.forces(), many::toString);
  }

  @Test
  void prune_nothingUnused_costsNothing() throws IOException {
    load("many", MANY);
    assertEquals(NOTHING, costOf(() -> store.images().planPrune(PruneOptions.DEFAULT)));
    assertEquals(NOTHING, costOf(() -> store.images().prune(PruneOptions.DEFAULT)));
  }

  @Test
  void cleanup_nothingLeftOver_asForFewLayers() throws IOException {
    chain(FEW);
    Cost few = costOf(store::cleanup);
    chain(MANY);
    assertEquals(few, costOf(store::cleanup));
    assertEquals(0, few.started() + few.forces(), few::toString);
  }

  @Test
  void close_manyLayers_asForFew() throws IOException {
    chain(FEW);
    Cost few = costOf(() -> store.close());
    store = open("store", Durability.NONE);
    chain(MANY);
    assertEquals(few, costOf(() -> store.close()));
    assertEquals(0, few.started() + few.forces(), few::toString);
  }
}
