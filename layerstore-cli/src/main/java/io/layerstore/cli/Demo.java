package io.layerstore.cli;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.ChangeKind;
import io.layerstore.DiffId;
import io.layerstore.DriverChoice;
import io.layerstore.Layer;
import io.layerstore.LayerMetadata;
import io.layerstore.LayerPath;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The life of a layer from beginning to end, with an image as the example: register, create, mount,
 * change, diff, commit, export, release. Checks what can be known in advance: the digests the
 * image's config names, and the changes it makes itself.
 */
final class Demo {
  private static final String RW_NAME = "demo";
  private static final String ADDED = "layerstore-demo.txt";

  /** One file to change and one to delete. */
  private static final int FILES_TO_CHANGE = 2;

  private static final int SEARCH_DEPTH = 8;

  /**
   * Names whose bytes do not depend on the locale, so that they can be compared with what the store
   * lists.
   */
  private static final Pattern PRINTABLE = Pattern.compile("[ -~]+");

  private final LayerStore store;
  private final SavedImage image;
  private final DemoReport report;
  private final ProgressBar progressBar;

  Demo(LayerStore store, SavedImage image, DemoReport report, ProgressBar progressBar) {
    this.store = store;
    this.image = image;
    this.report = report;
    this.progressBar = progressBar;
  }

  void run() throws IOException {
    open();
    List<Layer> layers = new ArrayList<>();
    try {
      register(layers);
      Layer committed;
      try (RWLayer readWrite = create(layers)) {
        List<Change> made = change(readWrite);
        diff(readWrite, made);
        committed = commit(readWrite);
        layers.add(committed);
        export(layers);
        registerAgain(committed);
        remove(readWrite);
      }
      release(layers);
    } finally {
      layers.forEach(Layer::close);
    }
  }

  private void open() throws IOException {
    report.step(
        "Open a store",
        "LayerStore store = LayerStore.open(Path.of(\"" + store.root() + "\"));",
        "export LAYERSTORE_ROOT=" + store.root() + "; layerstore info");
    DriverChoice choice = store.driverChoice();
    report.result("driver " + choice.driver() + ": " + choice.reason());
    for (Map.Entry<String, String> other : new TreeMap<>(choice.rejected()).entrySet()) {
      report.result("not " + other.getKey() + ": " + other.getValue());
    }
  }

  private void register(List<Layer> layers) throws IOException {
    report.step(
        "Register the layers of " + image.name() + ", the bottom one first",
        "Layer layer = store.register(LayerSource.of(tar),"
            + " RegisterOptions.builder().parent(below).expectedDiffId(diffId).build());",
        "layerstore register --parent CHAIN --expect DIFFID layer.tar");
    List<DiffId> diffIds = image.diffIds();
    @Nullable ChainId parent = null;
    for (int i = 0; i < diffIds.size(); i++) {
      RegisterOptions options =
          RegisterOptions.builder().parent(parent).expectedDiffId(diffIds.get(i)).build();
      Layer layer = store.register(image.layers().get(i), options);
      layers.add(layer);
      parent = layer.chainId();
      report.result(Show.registered(layer));
    }
    report.check("the diff IDs are those in the image's config", diffIds.equals(diffIds(layers)));
    report.check(
        "the chain ID of the top layer follows from them",
        ChainId.of(diffIds).equals(Optional.ofNullable(parent)));
  }

  private static List<DiffId> diffIds(List<Layer> layers) {
    return layers.stream().map(Layer::diffId).toList();
  }

  private RWLayer create(List<Layer> layers) throws IOException {
    ChainId top = layers.get(layers.size() - 1).chainId();
    report.step(
        "Create a read-write layer on top",
        "RWLayer rw = store.createRWLayer(\"" + RW_NAME + "\", top.chainId());",
        "layerstore create " + RW_NAME + " --parent " + Show.shortId(top));
    RWLayer readWrite = store.createRWLayer(RW_NAME, top);
    report.result("mount ID " + readWrite.mountId());
    return readWrite;
  }

  private List<Change> change(RWLayer readWrite) throws IOException {
    report.step(
        "Mount it and change files",
        "try (Mount mount = rw.mount()) { Files.writeString(mount.path().resolve(\""
            + ADDED
            + "\"), \"…\"); }",
        "layerstore mount " + RW_NAME + " -- sh -c 'echo … > " + ADDED + "'");
    List<Change> made = new ArrayList<>();
    try (Mount mount = readWrite.mount()) {
      Path root = mount.path();
      report.result("mounted at " + root);
      report.result("in it: " + String.join(" ", names(root)));
      Files.writeString(
          root.resolve(ADDED), "Written by the demo.\n", StandardOpenOption.CREATE_NEW);
      made.add(new Change(ChangeKind.ADDED, LayerPath.of(ADDED)));
      List<Path> files = new ArrayList<>();
      findFiles(root, 0, files);
      if (!files.isEmpty()) {
        Path changed = files.get(0);
        Files.writeString(changed, "Changed by the demo.\n", StandardOpenOption.APPEND);
        made.add(new Change(ChangeKind.MODIFIED, inLayer(root, changed)));
      }
      if (files.size() > 1) {
        Path deleted = files.get(1);
        Files.delete(deleted);
        made.add(new Change(ChangeKind.DELETED, inLayer(root, deleted)));
      }
      for (Change change : made) {
        report.result(change.kind().name().toLowerCase(Locale.ROOT) + " /" + change.path());
      }
    }
    return made;
  }

  private void diff(RWLayer readWrite, List<Change> made) throws IOException {
    report.step(
        "See what changed",
        "try (Stream<Change> changes = rw.changes()) { changes.forEach(System.out::println); }",
        "layerstore diff " + RW_NAME);
    List<Change> changes;
    try (Stream<Change> stream = readWrite.changes()) {
      changes = stream.toList();
    }
    for (Change change : changes) {
      report.result(change.toString());
    }
    report.check("it lists every change that was made", changes.containsAll(made));
    report.check(
        "it lists nothing else but the directories they are in",
        changes.stream().allMatch(change -> made.contains(change) || isAbove(change, made)));
  }

  private static boolean isAbove(Change directory, List<Change> made) {
    return directory.kind() == ChangeKind.MODIFIED
        && made.stream().anyMatch(change -> change.path().startsWith(directory.path()));
  }

  private Layer commit(RWLayer readWrite) throws IOException {
    report.step(
        "Make a layer of the changes",
        "Layer layer = rw.commit();",
        "layerstore commit " + RW_NAME);
    Layer committed = readWrite.commit();
    report.result(Show.registered(committed));
    report.check("it stands on the layer below", committed.parent().equals(readWrite.parent()));
    return committed;
  }

  private void export(List<Layer> layers) throws IOException {
    report.step(
        "Export every layer and take the SHA-256 of the bytes",
        "try (InputStream tar = layer.tarStream()) { tar.transferTo(out); }",
        "layerstore export -o layer.tar CHAIN && sha256sum layer.tar");
    List<DiffId> exported = new ArrayList<>();
    for (Layer layer : layers) {
      Copy copy = new Copy(progressBar);
      try (InputStream tar = layer.tarStream()) {
        copy.all(tar, OutputStream.nullOutputStream());
      }
      DiffId digest = new DiffId(copy.digest());
      exported.add(digest);
      report.result(digest + " " + Show.size(copy.bytes()));
    }
    List<DiffId> fromImage = exported.subList(0, image.diffIds().size());
    report.check(
        "the exported bytes are those the image was made of", fromImage.equals(image.diffIds()));
    report.check("and for the new layer those its diff ID names", exported.equals(diffIds(layers)));
  }

  private void registerAgain(Layer committed) throws IOException {
    report.step(
        "Register what was exported once more",
        "Layer same = store.register(layer.tarStream(), top.chainId());",
        "layerstore export CHAIN | layerstore register --parent PARENT -");
    int before = store.layers().size();
    try (InputStream tar = committed.tarStream();
        Layer same = store.register(tar, committed.parent().orElse(null))) {
      report.result(Show.registered(same));
      report.check("it is the same layer", same.chainId().equals(committed.chainId()));
    }
    report.check("and the store has no more layers than before", store.layers().size() == before);
  }

  private void remove(RWLayer readWrite) throws IOException {
    report.step(
        "Remove the read-write layer", "store.releaseRWLayer(rw);", "layerstore rm " + RW_NAME);
    List<LayerMetadata> deleted = store.releaseRWLayer(readWrite);
    report.check("no layer went with it", deleted.isEmpty());
    report.check("no read-write layer is left", store.rwLayers().isEmpty());
  }

  /** Releases from the top, each handle once, so that nothing of the image is in use at the end. */
  private void release(List<Layer> layers) throws IOException {
    report.step(
        "Release the layers",
        "List<LayerMetadata> deleted = store.release(layer);",
        "layerstore release CHAIN");
    List<ChainId> deleted = new ArrayList<>();
    for (int i = layers.size() - 1; i >= 0; i--) {
      for (LayerMetadata layer : store.release(layers.get(i))) {
        deleted.add(layer.chainId());
        report.result("deleted " + layer.chainId());
      }
    }
    List<ChainId> expected = new ArrayList<>(layers.stream().map(Layer::chainId).toList());
    Collections.reverse(expected);
    report.check("all were deleted, child before parent", deleted.equals(expected));
    report.check("the store is empty", store.layers().isEmpty());
  }

  private static List<String> names(Path directory) throws IOException {
    return children(directory).stream()
        .map(path -> ByteString.utf8(String.valueOf(path.getFileName())).toString())
        .toList();
  }

  private static List<Path> children(Path directory) throws IOException {
    List<Path> children = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(children::add);
    }
    children.sort(null);
    return children;
  }

  /**
   * Finds regular files that this user may change and remove, in order, until there are enough. Not
   * empty ones: where a file system cannot hold a device, vfs has an empty file in its place.
   */
  private static void findFiles(Path directory, int depth, List<Path> found) throws IOException {
    if (!Files.isReadable(directory) || !Files.isExecutable(directory)) {
      return;
    }
    for (Path child : children(directory)) {
      if (found.size() == FILES_TO_CHANGE) {
        return;
      }
      if (Files.isDirectory(child, NOFOLLOW_LINKS) && depth < SEARCH_DEPTH) {
        findFiles(child, depth + 1, found);
      } else if (Files.isRegularFile(child, NOFOLLOW_LINKS)
          && Files.size(child) > 0
          && Files.isWritable(child)
          && Files.isWritable(directory)
          && PRINTABLE.matcher(child.toString()).matches()) {
        found.add(child);
      }
    }
  }

  private static LayerPath inLayer(Path root, Path file) {
    return LayerPath.of(root.relativize(file).toString());
  }
}
