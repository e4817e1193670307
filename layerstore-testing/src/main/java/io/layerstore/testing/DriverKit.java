package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.MountOptions;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.NativeDiff;
import io.layerstore.spi.TreeWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the tests of a driver work with: the driver on a fresh root beside a canary, and layers that
 * are made from changes and compared with models.
 */
final class DriverKit {

  /** Opens a driver on a root that exists. */
  @FunctionalInterface
  interface Opener {
    GraphDriver open(Path root) throws LayerStoreException;
  }

  /** Finds what tells a layer from its parent. */
  @FunctionalInterface
  interface Differ {
    Optional<NativeDiff> diff(GraphDriver driver, String id, @Nullable String parent)
        throws LayerStoreException;
  }

  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");

  private final Opener opener;
  private final Differ differ;
  private final DriverTraits traits;
  private final boolean showsWhatFilesLack;
  private final Path top;
  private final Path root;
  private final Canary canary;
  private final Map<String, TreeModel> models = new HashMap<>();
  private GraphDriver driver;

  /** Opens a driver on a root inside {@code top}, which is empty. */
  DriverKit(Opener opener, Differ differ, DriverTraits traits, boolean showsWhatFilesLack, Path top)
      throws IOException {
    this.showsWhatFilesLack = showsWhatFilesLack;
    this.opener = opener;
    this.differ = differ;
    this.traits = traits;
    this.top = top;
    this.root = Files.createDirectory(top.resolve("store"));
    this.canary = Canary.create(top.resolve("outside"));
    Files.getFileAttributeView(root, PosixFileAttributeView.class)
        .setPermissions(MountedTree.permissions(0700));
    this.driver = opener.open(root);
  }

  GraphDriver driver() {
    return driver;
  }

  DriverTraits traits() {
    return traits;
  }

  Path root() {
    return root;
  }

  /** The driver's own directory. */
  Path home() {
    return root.resolve(driver.name());
  }

  /** A directory outside the store that nothing may touch. */
  Path outside() {
    return canary.directory();
  }

  /** Fails if anything outside the store is not as it was. */
  void assertNothingOutsideChanged() throws IOException {
    canary.assertUntouched();
  }

  /** Closes the driver and opens it again, as another process would. */
  void reopen() throws LayerStoreException {
    driver.close();
    driver = opener.open(root);
  }

  /** Skips the test, with a reason for people, unless the driver has a trait. */
  void require(boolean trait, String reason) {
    assumeTrue(trait, reason);
  }

  /** Makes a read-only layer of {@code changes}, which have no links on their way. */
  String layer(@Nullable String parent, TreeChange... changes) throws IOException {
    String id = DriverIds.random();
    driver.create(id, parent, CreateOptions.DEFAULT);
    TreeModel model = startModel(id, parent);
    List<TreeChange> entries = new ArrayList<>();
    for (TreeChange change : changes) {
      TreeModel before = model.copy();
      before.apply(entries);
      entries.add(change.asEntry(before));
    }
    model.apply(entries);
    writeAll(id, parent, new RecordingWriteContext(), entries);
    return id;
  }

  /** Makes an empty read-only layer, to be written with {@link #write}. */
  String emptyLayer(@Nullable String parent) throws LayerStoreException {
    String id = DriverIds.random();
    driver.create(id, parent, CreateOptions.DEFAULT);
    startModel(id, parent);
    return id;
  }

  /** Makes a read-write layer. */
  String readWriteLayer(@Nullable String parent) throws LayerStoreException {
    String id = DriverIds.random();
    driver.createReadWrite(id, parent, CreateOptions.DEFAULT);
    startModel(id, parent);
    return id;
  }

  private TreeModel startModel(String id, @Nullable String parent) {
    TreeModel model = parent == null ? new TreeModel() : models.get(parent).copy();
    models.put(id, model);
    return model;
  }

  /** What the layer {@code id} must show. */
  TreeModel model(String id) {
    return models.get(id);
  }

  /** Fails with a diff unless the driver shows the layer {@code id} as its model is. */
  void assertShown(String id) throws IOException {
    TreeSnapshot expected = models.get(id).snapshot();
    (showsWhatFilesLack ? expected : expected.asKept(traits)).assertShownBy(driver, id);
  }

  /** Whether the driver shows device nodes, from its files or from records beside them. */
  boolean showsDevices() {
    return showsWhatFilesLack || traits.keepsDevices();
  }

  /** Whether the driver shows owners, from its files or from records beside them. */
  boolean showsOwners() {
    return showsWhatFilesLack || traits.keepsOwners();
  }

  /** The paths of all entries of a layer, as text, sorted; the root left out. */
  List<String> paths(String id) throws IOException {
    return TreeSnapshot.of(driver, id).paths();
  }

  /** The content of a regular file of a layer. */
  String content(String id, String path) throws IOException {
    try (LayerTree tree = driver.tree(id)) {
      LayerTree.Node node = tree.find(LayerPath.of(path)).orElseThrow();
      try (var content = tree.open(node)) {
        return new String(content.readAllBytes(), StandardCharsets.UTF_8);
      }
    }
  }

  /** Writes an archive into a layer that was just created; its links may lead anywhere. */
  RecordingWriteContext write(String id, @Nullable String parent, TreeChange... changes)
      throws IOException {
    RecordingWriteContext context = new RecordingWriteContext();
    writeAll(id, parent, context, List.of(changes));
    return context;
  }

  /** A new layer without a parent, made of {@code changes} whose links may lead anywhere. */
  String written(TreeChange... changes) throws IOException {
    String id = emptyLayer(null);
    write(id, null, changes);
    return id;
  }

  private void writeAll(
      String id, @Nullable String parent, RecordingWriteContext context, List<TreeChange> changes)
      throws IOException {
    try (TreeWriter writer = driver.openWriter(id, parent, context)) {
      long archiveBytes = 0;
      for (TreeChange change : changes) {
        change.writeTo(writer);
        context.wrote(change.path());
        if (change instanceof TreeChange.Put put) {
          archiveBytes += put.entry().sizeBytes();
        }
      }
      writer.finish(archiveBytes);
    }
  }

  /**
   * Fails unless an archive of {@code changes} on top of {@code parent} is refused with an
   * exception of {@code type}, and the layer can be removed afterwards.
   */
  <T extends Throwable> T assertRefused(
      Class<T> type, @Nullable String parent, TreeChange... changes) throws IOException {
    String id = emptyLayer(parent);
    T thrown = assertThrows(type, () -> write(id, parent, changes));
    canary.assertUntouched();
    driver.remove(id);
    assertFalse(driver.exists(id));
    return thrown;
  }

  /** The same for an archive that is refused for the reason {@code kind}. */
  void assertRefused(Kind kind, @Nullable String parent, TreeChange... changes) throws IOException {
    assertEquals(kind, assertRefused(ArchiveException.class, parent, changes).kind());
  }

  /** What tells the layer {@code id} from {@code parent}; empty if nothing does. */
  Optional<NativeDiff> diff(String id, @Nullable String parent) throws LayerStoreException {
    return differ.diff(driver, id, parent);
  }

  /** Mounts a layer; to be undone with {@link GraphDriver#unmount}. */
  MountedTree mount(String id) throws LayerStoreException {
    return new MountedTree(driver.mount(id, MountOptions.DEFAULT));
  }

  /** Makes changes in the mounted layer {@code id}, and the same to its model. */
  void change(String id, TreeChange... changes) throws IOException {
    try {
      mount(id).apply(changes);
    } finally {
      driver.unmount(id);
    }
    models.get(id).apply(changes);
  }

  /** The names of everything in the driver's home, without what is in layers that exist. */
  SortedSet<String> homeListing() throws IOException {
    SortedSet<String> names = new TreeSet<>();
    if (Files.exists(home(), LinkOption.NOFOLLOW_LINKS)) {
      try (Stream<Path> paths = Files.walk(home())) {
        paths.forEach(path -> names.add(home().relativize(path).toString()));
      }
    }
    return names;
  }

  /** Fails if {@code path} or anything below is a mount of this machine. */
  private static void assertNothingMountedBelow(Path path) throws IOException {
    if (path.getFileSystem() != FileSystems.getDefault() || !Files.exists(MOUNTS)) {
      return;
    }
    List<String> left =
        Files.readAllLines(MOUNTS).stream()
            .filter(line -> line.contains(" " + path + "/"))
            .toList();
    assertEquals(List.of(), left, "mounts left behind");
  }

  /** Removes every layer and checks that nothing else is left, inside or outside the store. */
  void close() throws IOException {
    canary.assertUntouched();
    driver.close();
    assertNothingMountedBelow(root);
    driver = opener.open(root);
    for (String id : driver.ids()) {
      driver.remove(id);
    }
    assertEquals(List.of(), driver.ids());
    driver.close();
    SortedSet<String> left = homeListing();
    canary.assertUntouched();
    assertEquals(emptyHome(), left, "files left in the driver's home");
    try (Stream<Path> entries = Files.list(top)) {
      assertEquals(
          List.of("empty", "outside", "store"),
          entries.map(entry -> entry.getFileName().toString()).sorted().toList());
    }
  }

  /** The home of a driver that has made a layer and removed it. */
  private SortedSet<String> emptyHome() throws IOException {
    Path other = Files.createDirectory(top.resolve("empty"));
    try (GraphDriver fresh = opener.open(other)) {
      fresh.create("one", null, CreateOptions.DEFAULT);
      fresh.remove("one");
    }
    SortedSet<String> names = new TreeSet<>();
    Path home = other.resolve(driver.name());
    try (Stream<Path> paths = Files.walk(home)) {
      paths.forEach(path -> names.add(home.relativize(path).toString()));
    }
    return names;
  }

  /** The type of an entry of a layer; skips nothing and follows nothing. */
  EntryType type(String id, String path) throws IOException {
    try (LayerTree tree = driver.tree(id)) {
      assertTrue(tree.find(LayerPath.of(path)).isPresent(), "no entry " + path);
      return tree.find(LayerPath.of(path)).orElseThrow().entry().type();
    }
  }
}
