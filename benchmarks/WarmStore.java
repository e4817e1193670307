import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LoadOptions;
import io.layerstore.Mount;
import io.layerstore.PruneOptions;
import io.layerstore.PushOptions;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.SaveOptions;
import io.layerstore.ViewOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.stream.Stream;

/**
 * A JVM that stays warm between measurements: does what a line on its standard input says, and
 * answers with the nanoseconds that it took and the most bytes of the heap that were in use.
 *
 * <pre>
 * open ROOT DRIVER DURABILITY  opens a store; ROOT "jimfs" is one in memory
 * alone ROOT DRIVER DURABILITY the same, exclusively
 * close                        closes it
 * register ARCHIVE             adds a layer, which the commands below mean by "the layer"
 * stack DIRECTORY              adds the archives in it in the order of their names, each on the one before
 * again ARCHIVE VERIFY         adds the layer again; VERIFY true looks at its content
 * export FILE                  writes the layer's archive
 * get COUNT                    gets the layer and gives it back so many times
 * release                      deletes the layer
 * load FILE                    loads an image archive; the layer is the topmost one of its last image
 * save REFERENCE FILE          writes an image archive
 * pull REFERENCE               pulls an image; the layer is its topmost one
 * push IMAGE REFERENCE         pushes an image
 * list                         lists images, references and layers
 * prune                        deletes what nothing uses
 * create NAME                  makes a read-write layer on the layer
 * mounts NAME COUNT            mounts it and unmounts it so many times
 * cycles COUNT                 makes a read-write layer, mounts, unmounts and deletes it so many times
 * temporary COUNT              the same with temporary ones
 * files NAME COUNT             writes and reads so many small files with Mount.file
 * enter NAME COUNT             runs so many programs that do nothing, in the mount's name space
 * chroot NAME COUNT            the same with the mount as their root directory
 * changes NAME FILE            lists its changes, adds up their size and writes them as an archive
 * commit NAME                  makes its changes a layer
 * view COUNT                   opens the layer as a file system and closes it so many times
 * walk COUNT                   opens it, and walks through it with attributes so many times
 * search SUFFIX                opens it and finds the files whose names end so
 * read VERIFY                  opens it and reads all files; VERIFY true compares their checksums
 * </pre>
 *
 * <p>Arguments are lines too; with any, it ends after the last of them.
 */
public final class WarmStore {

  private LayerStore store;
  private ChainId top;

  private WarmStore() {}

  public static void main(String[] arguments) throws Exception {
    WarmStore warm = new WarmStore();
    for (String line : arguments) {
      warm.carryOut(line.split(" "));
    }
    if (arguments.length > 0) {
      return;
    }
    List<MemoryPoolMXBean> heap =
        ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getType() == MemoryType.HEAP)
            .toList();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      heap.forEach(MemoryPoolMXBean::resetPeakUsage);
      long start = System.nanoTime();
      warm.carryOut(line.split(" "));
      long nanos = System.nanoTime() - start;
      System.out.println(
          nanos + " " + heap.stream().mapToLong(pool -> pool.getPeakUsage().getUsed()).sum());
    }
  }

  private void carryOut(String[] words) throws Exception {
    switch (words[0]) {
      case "open" -> open(words[1], words[2], Durability.valueOf(words[3]), false);
      case "alone" -> open(words[1], words[2], Durability.valueOf(words[3]), true);
      case "close" -> store.close();
      case "register" -> register(Path.of(words[1]), RegisterOptions.DEFAULT);
      case "stack" -> stack(Path.of(words[1]));
      case "again" ->
          register(
              Path.of(words[1]),
              RegisterOptions.builder()
                  .expectedChainId(top)
                  .verifyExisting(Boolean.parseBoolean(words[2]))
                  .build());
      case "export" -> {
        try (Layer layer = store.get(top)) {
          write(layer.tarStream(), words[1]);
        }
      }
      case "get" -> {
        for (int i = number(words[1]); i > 0; i--) {
          store.get(top).close();
        }
      }
      case "release" -> store.release(store.get(top));
      case "load" -> {
        var loaded = store.images().load(ImageSource.of(Path.of(words[1])), LoadOptions.DEFAULT).images();
        top = store.images().get(loaded.get(loaded.size() - 1).id()).topLayer().orElseThrow();
      }
      case "pull" -> {
        var pulled = store.images().pull(ImageReference.parse(words[1])).images();
        top = store.images().get(pulled.get(0).id()).topLayer().orElseThrow();
      }
      case "push" ->
          store.images().push(words[1], ImageReference.parse(words[2]), PushOptions.DEFAULT);
      case "save" -> save(words[1], words[2]);
      case "list" -> list();
      case "prune" -> store.images().prune(PruneOptions.EVERYTHING_UNUSED);
      case "create" -> store.createRWLayer(words[1], top).close();
      case "mounts" -> mounts(words[1], number(words[2]));
      case "cycles" -> cycles(number(words[1]));
      case "temporary" -> temporary(number(words[1]));
      case "files" -> files(words[1], number(words[2]));
      case "enter" -> commands(words[1], number(words[2]), false);
      case "chroot" -> commands(words[1], number(words[2]), true);
      case "changes" -> changes(words[1], words[2]);
      case "commit" -> {
        try (RWLayer layer = store.getRWLayer(words[1])) {
          layer.commit().close();
        }
      }
      case "view" -> {
        for (int i = number(words[1]); i > 0; i--) {
          view(true).close();
        }
      }
      case "walk" -> {
        try (FileSystem files = view(true)) {
          for (int i = number(words[1]); i > 0; i--) {
            walk(files, (file, attributes) -> {});
          }
        }
      }
      case "search" -> search(words[1]);
      case "read" -> {
        try (FileSystem files = view(Boolean.parseBoolean(words[1]))) {
          byte[] buffer = new byte[1 << 16];
          walk(files, (file, attributes) -> read(file, attributes, buffer));
        }
      }
      default -> throw new IllegalArgumentException(String.join(" ", words));
    }
  }

  private static int number(String word) {
    return Integer.parseInt(word);
  }

  private void open(String root, String driver, Durability durability, boolean alone)
      throws Exception {
    Path directory = Path.of(root);
    if (root.equals("jimfs")) {
      Object files = Class.forName("com.google.common.jimfs.Jimfs").getMethod("newFileSystem").invoke(null);
      directory = ((FileSystem) files).getPath("/store");
    }
    var builder = LayerStore.builder(directory).driver(driver).durability(durability);
    store = (alone ? builder.exclusive() : builder).open();
  }

  private void register(Path archive, RegisterOptions options) throws IOException {
    try (Layer layer = store.register(LayerSource.of(archive), options)) {
      top = layer.chainId();
    }
  }

  private void stack(Path directory) throws IOException {
    try (Stream<Path> archives = Files.list(directory)) {
      top = null;
      for (Path archive : archives.sorted().toList()) {
        register(archive, RegisterOptions.onTopOf(top));
      }
    }
  }

  private static void write(InputStream tar, String file) throws IOException {
    try (tar;
        OutputStream out = Files.newOutputStream(Path.of(file))) {
      tar.transferTo(out);
    }
  }

  private void save(String reference, String file) throws IOException {
    ImageTarget target = ImageTarget.file(Path.of(file));
    store.images().save(List.of(reference), target, SaveOptions.DEFAULT);
  }

  private void list() {
    long found =
        store.images().list().size()
            + store.images().references().list().size()
            + store.layers().size();
    if (found == 0) {
      throw new IllegalStateException("nothing to list");
    }
  }

  private void mounts(String name, int count) throws IOException {
    try (RWLayer layer = store.getRWLayer(name)) {
      for (int i = 0; i < count; i++) {
        layer.mount().close();
      }
    }
  }

  private void cycles(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      RWLayer layer = store.createRWLayer("cycle", top);
      layer.mount().close();
      store.releaseRWLayer(layer);
    }
  }

  private void temporary(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      try (RWLayer layer = store.createTemporaryRWLayer(top)) {
        layer.mount().close();
      }
    }
  }

  private void files(String name, int count) throws IOException {
    byte[] content = new byte[1000];
    try (RWLayer layer = store.getRWLayer(name);
        Mount mount = layer.mount()) {
      for (int i = 0; i < count; i++) {
        mount.file("file-" + i).write(content);
        if (mount.file("file-" + i).readAllBytes().length != content.length) {
          throw new IOException("other bytes");
        }
      }
    }
  }

  private void commands(String name, int count, boolean rooted) throws Exception {
    try (RWLayer layer = store.getRWLayer(name);
        Mount mount = layer.mount()) {
      for (int i = 0; i < count; i++) {
        ProcessBuilder program = new ProcessBuilder("/bin/true");
        program = rooted ? mount.chroot(program) : mount.enter(program);
        if (program.inheritIO().start().waitFor() != 0) {
          throw new IOException("a program failed");
        }
      }
    }
  }

  private void changes(String name, String file) throws IOException {
    try (RWLayer layer = store.getRWLayer(name);
        Stream<?> changes = layer.changes()) {
      if (changes.count() == 0 || layer.sizeBytes() < 0) {
        throw new IOException("no changes");
      }
      write(layer.tarStream(), file);
    }
  }

  private FileSystem view(boolean verify) throws IOException {
    try (Layer layer = store.get(top)) {
      return layer.fileSystem(ViewOptions.builder().verify(verify).build());
    }
  }

  /** Takes a file on a walk. */
  private interface Visitor {
    void file(Path file, BasicFileAttributes attributes) throws IOException;
  }

  private static void walk(FileSystem files, Visitor visitor) throws IOException {
    long[] bytes = new long[1];
    Files.walkFileTree(
        files.getPath("/"),
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            bytes[0] += attributes.size() + attributes.lastModifiedTime().toMillis();
            visitor.file(file, attributes);
            return FileVisitResult.CONTINUE;
          }
        });
    if (bytes[0] == 0) {
      throw new IOException("nothing to see");
    }
  }

  private void search(String suffix) throws IOException {
    try (FileSystem files = view(true);
        Stream<Path> all = Files.walk(files.getPath("/"))) {
      if (all.filter(path -> path.toString().endsWith(suffix)).count() == 0) {
        throw new IOException("no " + suffix);
      }
    }
  }

  private static void read(Path file, BasicFileAttributes attributes, byte[] buffer)
      throws IOException {
    if (attributes.isRegularFile()) {
      try (InputStream in = Files.newInputStream(file)) {
        while (in.read(buffer) >= 0) {
          // to its end
        }
      }
    }
  }
}
