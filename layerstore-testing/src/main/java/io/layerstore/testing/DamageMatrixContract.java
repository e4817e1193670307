package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.DistributionMetadata.Source;
import io.layerstore.Durability;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RegisterOptions;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A store with layers, images and a read-write layer, each of whose files and directories in turn
 * is damaged in each way.
 *
 * <p>Whatever it is: the store opens; what cannot be used and is no file of a layer is reported;
 * registering the same layers and making the same images again heals everything but the read-write
 * layer; nothing outside is changed.
 */
public abstract class DamageMatrixContract {

  private static final byte[] BASE =
      new TarBuilder()
          .directory("d")
          .file("d/f", "base of the chain")
          .file("empty", "")
          .symlink("link", "d/f")
          .hardLink("hard", "d/f")
          .file("gone", "x")
          .end()
          .toBytes();
  private static final byte[] TOP =
      new TarBuilder()
          .directory("d")
          .file("d/g", "top of the chain")
          .file(".wh.gone", "")
          .end()
          .toBytes();
  private static final byte[] OTHER = new TarBuilder().file("other", "by itself").end().toBytes();
  private static final byte[] CHANGES = new TarBuilder().file("mine", "changed").end().toBytes();

  private static final ChainId BASE_ID = chainId(null, BASE);
  private static final ChainId TOP_ID = chainId(BASE_ID, TOP);
  private static final ChainId OTHER_ID = chainId(null, OTHER);
  private static final byte[] PARENT_CONFIG = config("parent", BASE);
  private static final byte[] CHILD_CONFIG = config("child", BASE, TOP);
  private static final ImageReference NAME = ImageReference.parse("name:1");
  private static final String RW = "rw";

  private Path place;
  private Path pristine;
  private Path outside;

  private static ChainId chainId(ChainId parent, byte[] tar) {
    return ChainId.of(parent, new DiffId(Digest.sha256Of(tar)));
  }

  private static byte[] config(String label, byte[]... layers) {
    String diffIds =
        String.join(
            ",", Arrays.stream(layers).map(tar -> "\"" + Digest.sha256Of(tar) + "\"").toList());
    return "{\"os\":\"linux\",\"config\":{\"Labels\":{\"l\":\"%s\"}},\"rootfs\":{\"diff_ids\":[%s]}}"
        .formatted(label, diffIds)
        .getBytes(UTF_8);
  }

  /** The driver to use. */
  protected abstract String driver();

  /** An empty directory for stores. */
  protected abstract Path newDirectory() throws IOException;

  /** Which paths the quick form of the test takes: every so manieth. */
  protected int stride() {
    return 1;
  }

  /** Copies a store, with all that belongs to its files. */
  protected abstract void copy(Path from, Path to) throws IOException;

  @BeforeEach
  void makeStore() throws IOException {
    place = newDirectory();
    outside = Files.createDirectory(place.resolve("outside"));
    Files.createDirectory(outside.resolve("directory"));
    Files.writeString(outside.resolve("directory/inside"), "untouched");
    Files.writeString(outside.resolve("file"), "untouched");
    pristine = place.resolve("pristine");
    try (LayerStore store = open(pristine)) {
      registerAll(store, false);
      makeImages(store);
      DiffId diffId = new DiffId(Digest.sha256Of(BASE));
      store
          .images()
          .distribution()
          .add(diffId, new Source(Digest.sha256Of(TOP), "docker.io/library/x", ""));
      try (RWLayer rw = store.createRWLayer(RW, TOP_ID)) {
        rw.applyDiff(new ByteArrayInputStream(CHANGES));
      }
    }
    try (LayerStore store = open(pristine)) {
      assertEquals(List.of(), store.recoveryReport().findings());
      assertEquals(Map.of(), unusable(store));
    }
  }

  private LayerStore open(Path root) throws IOException {
    return LayerStore.builder(root).driver(driver()).durability(Durability.NONE).open();
  }

  private static void registerAll(LayerStore store, boolean verifies) throws IOException {
    register(store, null, BASE, verifies);
    register(store, BASE_ID, TOP, verifies);
    register(store, null, OTHER, verifies);
  }

  private static void register(LayerStore store, ChainId parent, byte[] tar, boolean verifies)
      throws IOException {
    RegisterOptions options =
        RegisterOptions.builder()
            .parent(parent)
            .expectedChainId(chainId(parent, tar))
            .verifyExisting(verifies)
            .build();
    store.register(LayerSource.of(tar), options).close();
  }

  private static void makeImages(LayerStore store) throws IOException {
    store.images().create(PARENT_CONFIG);
    store.images().create(CHILD_CONFIG);
    store.images().setParent(ImageId.of(CHILD_CONFIG), ImageId.of(PARENT_CONFIG));
    store.images().references().addTag(NAME, ImageId.of(CHILD_CONFIG), true);
  }

  /** A use of something that may fail. */
  private interface Use {
    void run() throws IOException;
  }

  /** What cannot be used, and why; by a name that findings about it have. */
  private static Map<String, String> unusable(LayerStore store) {
    Map<String, String> problems = new TreeMap<>();
    layer(problems, store, BASE_ID, BASE);
    layer(problems, store, TOP_ID, TOP);
    layer(problems, store, OTHER_ID, OTHER);
    image(problems, store, PARENT_CONFIG);
    image(problems, store, CHILD_CONFIG);
    use(
        problems,
        RW,
        () -> {
          try (RWLayer rw = store.getRWLayer(RW);
              InputStream tar = rw.tarStream()) {
            assertEquals(List.of("A /mine"), rw.changes().map(Object::toString).toList());
            assertTrue(new String(tar.readAllBytes(), UTF_8).contains("changed"));
          }
        });
    return problems;
  }

  private static void layer(
      Map<String, String> problems, LayerStore store, ChainId id, byte[] expected) {
    use(
        problems,
        id.toString(),
        () -> {
          try (Layer layer = store.get(id);
              InputStream tar = layer.tarStream()) {
            assertEquals(Digest.sha256Of(expected), Digest.sha256Of(tar.readAllBytes()));
          }
        });
  }

  private static void image(Map<String, String> problems, LayerStore store, byte[] config) {
    ImageId id = ImageId.of(config);
    use(problems, id.toString(), () -> assertEquals(id, store.images().get(id).id()));
  }

  private static void use(Map<String, String> problems, String name, Use use) {
    try {
      use.run();
    } catch (IOException | RuntimeException | AssertionError e) {
      problems.put(name, e.toString());
    }
  }

  private List<Path> paths() throws IOException {
    try (Stream<Path> paths = Files.walk(pristine)) {
      return paths
          .filter(path -> !path.equals(pristine))
          .map(pristine::relativize)
          .filter(path -> !isLeftOut(path.toString()))
          .sorted()
          .toList();
    }
  }

  /** What says which driver a root is of, and the lock, are tested where they are chosen. */
  private boolean isLeftOut(String path) {
    return List.of("image", "image/" + driver(), driver(), "layerstore.lock").contains(path)
        || path.startsWith("image/" + driver() + "/repositories.json");
  }

  /** Whether it is a file of a layer, which opening does not read. */
  private boolean isContent(String path) {
    return path.endsWith("tar-split.json.gz")
        || path.matches("vfs/(dir/[^/]+/.+|attributes/[^/]+)")
        || path.matches("overlay2/[^/]+/(diff|work)/.+");
  }

  /**
   * Whether nothing is left that tells of what was lost: the record of a layer, image or read-write
   * layer is gone as a whole, or that of the parent of a read-write layer which needs none.
   */
  private boolean isWithoutTrace(String path, Damage damage) {
    boolean isGone = damage == Damage.DELETED || damage == Damage.EMPTIED;
    String database = "image/" + driver() + "/";
    return (isGone
            && (path.matches(database + "imagedb(/content(/sha256(/[^/]+)?)?)?")
                || path.matches(database + "layerdb(/(sha256|mounts)(/[^/]+)?)?")))
        || (driver().equals("vfs") && damage == Damage.DELETED && path.endsWith("rw/parent"))
        || (damage == Damage.EMPTIED && path.matches("vfs/dir/[^/]+|overlay2/[^/]+/diff"));
  }

  /** Paths with one kind of damage each, another one every time. */
  @Test
  void paths_damagedInOneWayEach_isReportedAndHealed() throws IOException {
    run(1);
  }

  /** Every path with every kind of damage. */
  @Heavy
  @Test
  void everyPath_damagedInEveryWay_isReportedAndHealed() throws IOException {
    run(Damage.values().length);
  }

  private void run(int kinds) throws IOException {
    Map<String, String> failures = new LinkedHashMap<>();
    int count = 0;
    int cases = 0;
    List<Path> paths = paths();
    for (int at = 0; at < paths.size(); at += kinds == 1 ? stride() : 1) {
      Path path = paths.get(at);
      List<Damage> fitting = new ArrayList<>();
      for (Damage damage : Damage.values()) {
        if (damage.fits(pristine.resolve(path))) {
          fitting.add(damage);
        }
      }
      for (int i = 0; i < Math.min(kinds, fitting.size()); i++) {
        Damage damage = fitting.get((count + i) % fitting.size());
        String problem = problemOf(path, damage, place.resolve("case-" + cases++));
        if (problem != null) {
          failures.put(damage + " " + path, problem);
        }
      }
      count++;
    }
    assertTrue(cases > 20, "only " + cases + " cases");
    assertEquals(
        "",
        String.join("\n", failures.entrySet().stream().map(Object::toString).toList()),
        failures.size() + " of " + cases);
  }

  /** What is not as promised, or null. */
  private String problemOf(Path path, Damage damage, Path root) throws IOException {
    copy(pristine, root);
    damage.apply(root.resolve(path.toString()), outside);
    String step = "open";
    try {
      try (LayerStore store = open(root)) {
        step = "report";
        List<Finding> findings = store.recoveryReport().findings();
        Map<String, String> unusable = unusable(store);
        if (!isContent(path.toString()) && !isWithoutTrace(path.toString(), damage)) {
          unusable
              .keySet()
              .removeIf(name -> isReported(findings, name, root.resolve(path.toString())));
          assertEquals(Map.of(), unusable, "not reported; " + findings);
        }
      }
      step = "heal";
      try (LayerStore store = open(root)) {
        registerAll(store, damage == Damage.FLIPPED);
        makeImages(store);
        store.createRWLayer("another", BASE_ID).close();
      }
      step = "healed";
      try (LayerStore store = open(root)) {
        Map<String, String> unusable = unusable(store);
        unusable.remove(RW);
        assertEquals(Map.of(), unusable, "not healed");
        assertEquals(
            List.of(),
            store.recoveryReport().findings().stream()
                .filter(finding -> !finding.id().equals(RW))
                .filter(finding -> finding.kind().name().startsWith("DAMAGED"))
                .toList());
      }
      assertEquals("untouched", Files.readString(outside.resolve("directory/inside")));
      assertEquals("untouched", Files.readString(outside.resolve("file")));
      return null;
    } catch (IOException | RuntimeException | AssertionError e) {
      return step + ": " + e;
    }
  }

  /** Whether a finding is about {@code name}, or about where it would be. */
  private static boolean isReported(List<Finding> findings, String name, Path damaged) {
    return findings.stream()
        .anyMatch(
            finding -> finding.id().equals(name) || damaged.toString().startsWith(finding.id()));
  }

  /** Copies with Java alone; times and permissions with it. */
  protected static void copyTree(Path from, Path to) throws IOException {
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : paths.sorted().toList()) {
        Path target = to.resolve(from.relativize(path).toString());
        Files.copy(path, target, StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
      }
    }
  }
}
