package io.layerstore.cli;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.CommitImageOptions;
import io.layerstore.DiffId;
import io.layerstore.DriverChoice;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerPath;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.SaveOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The life of an image from beginning to end: load, create, mount, change, diff, commit, export,
 * save, load elsewhere, delete. Checks what can be known in advance: the digests the image's
 * configuration names, and the changes it makes itself.
 */
final class Demo {
  private static final String RW_NAME = "demo";
  private static final ImageReference COMMITTED = ImageReference.parse("layerstore-demo:latest");
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
  private final LayerStore otherStore;
  private final Path archive;
  private final Path scratch;
  private final DemoReport report;
  private final ProgressBar progressBar;

  /**
   * Prepares the demo.
   *
   * @param store an empty store
   * @param otherStore another one, to load what was saved
   * @param archive an image archive
   * @param scratch a directory for what is saved
   */
  Demo(
      LayerStore store,
      LayerStore otherStore,
      Path archive,
      Path scratch,
      DemoReport report,
      ProgressBar progressBar) {
    this.store = store;
    this.otherStore = otherStore;
    this.archive = archive;
    this.scratch = scratch;
    this.report = report;
    this.progressBar = progressBar;
  }

  void run() throws IOException {
    open();
    Image image = load();
    Image committed;
    try (RWLayer readWrite = create(image)) {
      List<Change> made = change(readWrite);
      diff(readWrite, made);
      committed = commit(readWrite, image);
      remove(readWrite);
    }
    export(committed);
    Path saved = save();
    loadElsewhere(saved, committed);
    delete(committed);
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

  private Image load() throws IOException {
    report.step(
        "Load an image",
        "LoadReport report = store.images().load(ImageSource.of(archive), LoadOptions.DEFAULT);",
        "layerstore load " + archive.getFileName());
    LoadReport loaded = store.images().load(ImageSource.of(archive), loadOptions());
    if (loaded.images().isEmpty()) {
      throw new LayerStoreException(
          archive + " has no image; give an archive that 'docker save' wrote, or an OCI layout");
    }
    LoadReport.LoadedImage first = loaded.images().get(0);
    Image image = store.images().get(first.id());
    report.result(image.id() + " " + ShowImage.words(first.references()));
    List<DiffId> diffIds = new ArrayList<>();
    for (Layer layer : chain(store, image)) {
      try (layer) {
        diffIds.add(layer.diffId());
        report.result("  " + Show.registered(layer));
      }
    }
    report.check(
        "its ID is the SHA-256 of its configuration",
        ImageId.of(image.configBytes().toByteArray()).equals(image.id()));
    report.check(
        "its layers are those that the configuration names",
        diffIds.equals(image.config().diffIds()));
    return image;
  }

  private LoadOptions loadOptions() {
    return LoadOptions.builder().progress(progressBar.listener()).build();
  }

  /** The layers of an image, the bottom one first; each is to be closed. */
  private static List<Layer> chain(LayerStore store, Image image) throws IOException {
    List<Layer> layers = new ArrayList<>();
    @Nullable ChainId below = null;
    for (DiffId diffId : image.config().diffIds()) {
      below = ChainId.of(below, diffId);
      layers.add(store.get(below));
    }
    return layers;
  }

  private RWLayer create(Image image) throws IOException {
    report.step(
        "Create a read-write layer on top",
        "RWLayer rw = store.createRWLayer(\"" + RW_NAME + "\", image.topLayer().orElseThrow());",
        "layerstore create " + RW_NAME + " --parent " + ShowImage.shortId(image.id()));
    RWLayer readWrite = store.createRWLayer(RW_NAME, image.topLayer().orElse(null));
    report.result("mount ID " + readWrite.mountId());
    return readWrite;
  }

  private List<Change> change(RWLayer readWrite) throws IOException {
    report.step(
        "Mount it and change files",
        "try (Mount mount = rw.mount()) { mount.file(\"" + ADDED + "\").writeString(\"…\"); }",
        "layerstore run " + RW_NAME + " -- sh -c 'echo … > " + ADDED + "'");
    List<Change> made = new ArrayList<>();
    try (Mount mount = readWrite.mount()) {
      Path root = mount.path();
      report.result("mounted at " + root);
      report.result("in it: " + String.join(" ", names(root)));
      mount.file(ADDED).writeString("Written by the demo.\n", StandardOpenOption.CREATE_NEW);
      made.add(new Change(Change.Kind.ADDED, LayerPath.of(ADDED)));
      List<Path> files = new ArrayList<>();
      findFiles(root, 0, files);
      if (!files.isEmpty()) {
        LayerPath changed = inLayer(root, files.get(0));
        mount.file(changed).writeString("Changed by the demo.\n", StandardOpenOption.APPEND);
        made.add(new Change(Change.Kind.MODIFIED, changed));
      }
      if (files.size() > 1) {
        LayerPath deleted = inLayer(root, files.get(1));
        mount.file(deleted).delete();
        made.add(new Change(Change.Kind.DELETED, deleted));
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
    return directory.kind() == Change.Kind.MODIFIED
        && made.stream().anyMatch(change -> change.path().startsWith(directory.path()));
  }

  private Image commit(RWLayer readWrite, Image image) throws IOException {
    report.step(
        "Make an image of the changes",
        "Image changed = store.images().commit(rw,"
            + " CommitImageOptions.builder().reference(ImageReference.parse(\""
            + COMMITTED
            + "\")).build());",
        "layerstore commit --image " + COMMITTED + " " + RW_NAME);
    Image committed =
        store
            .images()
            .commit(
                readWrite,
                CommitImageOptions.builder()
                    .reference(COMMITTED)
                    .parent(image.id())
                    .progress(progressBar.listener())
                    .build());
    report.result(committed.id() + " " + COMMITTED);
    List<DiffId> below = image.config().diffIds();
    List<DiffId> diffIds = committed.config().diffIds();
    report.check(
        "it has the layers of the image it was made from, and one more",
        diffIds.size() == below.size() + 1 && diffIds.subList(0, below.size()).equals(below));
    report.check(
        "it knows that image as its parent", committed.parent().equals(Optional.of(image.id())));
    return committed;
  }

  private void remove(RWLayer readWrite) throws IOException {
    report.step(
        "Remove the read-write layer", "store.releaseRWLayer(rw);", "layerstore rm " + RW_NAME);
    List<LayerInfo> deleted = store.releaseRWLayer(readWrite);
    report.check("no layer went with it: images hold them", deleted.isEmpty());
    report.check("no read-write layer is left", store.rwLayers().isEmpty());
  }

  private void export(Image image) throws IOException {
    report.step(
        "Export every layer and take the SHA-256 of the bytes",
        "try (InputStream tar = layer.tarStream()) { tar.transferTo(out); }",
        "layerstore export -o layer.tar CHAIN && sha256sum layer.tar");
    List<DiffId> exported = new ArrayList<>();
    for (Layer layer : chain(store, image)) {
      Copy copy = new Copy(progressBar);
      try (layer;
          InputStream tar = layer.tarStream()) {
        copy.all(tar, OutputStream.nullOutputStream());
      }
      DiffId digest = new DiffId(copy.digest());
      exported.add(digest);
      report.result(digest + " " + Show.size(copy.bytes()));
    }
    report.check(
        "the exported bytes are those the diff IDs name",
        exported.equals(image.config().diffIds()));
  }

  private Path save() throws IOException {
    Path file = scratch.resolve("saved.tar");
    report.step(
        "Save the image",
        "store.images().save(List.of(\""
            + COMMITTED
            + "\"), ImageTarget.file(file), SaveOptions.DEFAULT);",
        "layerstore save -o saved.tar " + COMMITTED);
    save(store, file);
    report.result(
        file.getFileName() + " " + Show.size(Files.size(file)) + ", for 'docker load' too");
    return file;
  }

  private void save(LayerStore from, Path file) throws IOException {
    from.images()
        .save(
            List.of(COMMITTED.toString()),
            ImageTarget.file(file),
            SaveOptions.builder().progress(progressBar.listener()).build());
  }

  private void loadElsewhere(Path saved, Image image) throws IOException {
    report.step(
        "Load it in another store",
        "other.images().load(ImageSource.of(file), LoadOptions.DEFAULT);",
        "layerstore --root " + otherStore.root() + " load saved.tar");
    LoadReport loaded = otherStore.images().load(ImageSource.of(saved), loadOptions());
    for (LoadReport.LoadedImage other : loaded.images()) {
      report.result(other.id() + " " + ShowImage.words(other.references()));
    }
    report.check(
        "it is the same image under the same name",
        loaded.images().size() == 1
            && loaded.images().get(0).id().equals(image.id())
            && loaded.images().get(0).references().equals(List.of(COMMITTED)));
    Path again = scratch.resolve("saved-again.tar");
    save(otherStore, again);
    report.check("saved again, it is the same bytes", Files.mismatch(saved, again) < 0);
  }

  private void delete(Image committed) throws IOException {
    report.step(
        "Delete the images",
        "List<LayerInfo> deleted = store.images().delete(image.id(), false);",
        "layerstore rmi " + COMMITTED);
    delete(committed.id());
    for (Image image : store.images().list()) {
      delete(image.id());
    }
    report.check("no layer is left", store.layers().isEmpty());
  }

  private void delete(ImageId image) throws IOException {
    List<LayerInfo> deleted = store.images().delete(image, true);
    report.result("deleted " + image);
    for (LayerInfo layer : deleted) {
      report.result("deleted " + layer.chainId());
    }
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
