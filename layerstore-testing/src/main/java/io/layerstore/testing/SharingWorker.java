package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountBusyException;
import io.layerstore.NameConflictException;
import io.layerstore.PruneOptions;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.RegisterOptions;
import io.layerstore.RootedFile;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One of many processes that use one store at random, until its standard input ends or it is
 * killed. It writes down what the store has acknowledged, and what must not happen if it does.
 *
 * <p>Layers are of few contents, so that all of them want the same ones; each knows its identities
 * beforehand.
 */
final class SharingWorker {

  private static final int BASES = 3;
  private static final int CHILDREN = 3;
  private static final int DEPTH = 4;

  private final Path journals;
  private final String name;
  private final Random random;
  private final LayerStore store;
  private final List<Layer> held = new ArrayList<>();
  private int count;

  private SharingWorker(Path root, String driver, Path journals, String name, long seed)
      throws LayerStoreException {
    this.journals = journals;
    this.name = name;
    this.random = new Random(seed);
    this.store = LayerStore.builder(root).driver(driver).lockTimeout(Duration.ofMinutes(1)).open();
  }

  /** Takes the root, the driver, the directory of journals, a name and a seed. */
  public static void main(String[] args) throws Exception {
    SharingWorker worker =
        new SharingWorker(
            Path.of(args[0]), args[1], Path.of(args[2]), args[3], Long.parseLong(args[4]));
    System.out.println("open");
    AtomicBoolean isAtEnd = new AtomicBoolean();
    Thread input =
        new Thread(
            () -> {
              try {
                System.in.transferTo(OutputStream.nullOutputStream());
              } catch (IOException e) {
                return;
              } finally {
                isAtEnd.set(true);
              }
            });
    input.setDaemon(true);
    input.start();
    while (!isAtEnd.get()) {
      worker.step();
      System.out.println("step");
    }
    worker.held.forEach(Layer::close);
    worker.store.close();
    System.out.println("closed");
  }

  // ---- what is known beforehand ----

  /** The layers of one chain, bottom first: the archive of each depends on all numbers so far. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Content(byte[] archive, DiffId diffId, ChainId chainId) {}

  static List<Content> chain(int... numbers) {
    List<Content> chain = new ArrayList<>();
    StringBuilder path = new StringBuilder();
    ChainId parent = null;
    for (int number : numbers) {
      path.append('/').append(number);
      TarBuilder tar = new TarBuilder().directory("d" + chain.size());
      for (int i = 0; i < 20; i++) {
        tar.file("d" + chain.size() + "/f" + i, (path + "-" + i).repeat(200));
      }
      byte[] archive = tar.end().toBytes();
      DiffId diffId = new DiffId(sha256(archive));
      parent = ChainId.of(parent, diffId);
      chain.add(new Content(archive, diffId, parent));
    }
    return chain;
  }

  static Digest sha256(byte[] bytes) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
      StringBuilder hex = new StringBuilder();
      for (byte b : hash) {
        hex.append(String.format("%02x", b));
      }
      return Digest.parse("sha256:" + hex);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private List<Content> anyChain() {
    int[] numbers = new int[1 + random.nextInt(DEPTH)];
    numbers[0] = random.nextInt(BASES);
    for (int i = 1; i < numbers.length; i++) {
      numbers[i] = random.nextInt(CHILDREN);
    }
    return chain(numbers);
  }

  // ---- what is written down ----

  private void note(String file, String line) throws IOException {
    Files.writeString(
        journals.resolve(file),
        line + "\n",
        UTF_8,
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  private void fail(String what, Exception e) throws IOException {
    StringBuilder text = new StringBuilder(name + ": " + what + ": " + e);
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      for (StackTraceElement element : cause.getStackTrace()) {
        text.append("\n    ").append(element);
      }
      text.append("\n  because of ").append(cause.getCause());
    }
    note("failures", text.toString());
  }

  // ---- what it does ----

  private void step() throws IOException {
    String what = "?";
    try {
      switch (random.nextInt(12)) {
        case 0, 1, 2, 3 -> {
          what = "register";
          register();
        }
        case 4 -> {
          what = "release";
          release();
        }
        case 5 -> {
          what = "get";
          get();
        }
        case 6 -> {
          what = "read";
          read();
        }
        case 7 -> {
          what = "image";
          image();
        }
        case 8 -> {
          what = "delete an image";
          deleteImage();
        }
        case 9 -> {
          what = "read-write layer";
          readWrite();
        }
        case 10 -> {
          what = "list";
          store.layers();
          store.images().list();
          store.rwLayers();
        }
        default -> {
          what = "prune";
          if (random.nextInt(3) == 0) {
            store.images().prune(PruneOptions.builder().layers(true).build());
          } else if (random.nextInt(8) == 0) {
            store.cleanup();
          }
        }
      }
    } catch (LayerStoreException | RuntimeException e) {
      fail(what, e);
    }
  }

  /** Registers a chain, and keeps its top layer. */
  private Layer registerChain(List<Content> chain) throws LayerStoreException {
    Layer below = null;
    for (Content content : chain) {
      RegisterOptions options =
          RegisterOptions.builder()
              .parent(below == null ? null : below.chainId())
              .expectedDiffId(content.diffId())
              .build();
      Layer layer = store.register(source(content), options);
      if (below != null) {
        below.close();
      }
      below = layer;
    }
    if (below == null) {
      throw new IllegalStateException("an empty chain");
    }
    return below;
  }

  private void register() throws LayerStoreException {
    held.add(registerChain(anyChain()));
    if (held.size() > 6) {
      store.release(held.remove(random.nextInt(held.size())));
    }
  }

  /** A source that finds out whether another process that lives reads the same. */
  private LayerSource source(Content content) {
    return () -> {
      Path mark = journals.resolve("unpacking-" + content.chainId().digest().hex());
      take(mark);
      return new FilterInputStream(new ByteArrayInputStream(content.archive())) {
        @Override
        public void close() throws IOException {
          Files.deleteIfExists(mark);
          super.close();
        }
      };
    };
  }

  private void take(Path mark) throws IOException {
    String self = Long.toString(ProcessHandle.current().pid());
    while (true) {
      try {
        Files.writeString(mark, self, StandardOpenOption.CREATE_NEW);
        return;
      } catch (FileAlreadyExistsException e) {
        String other;
        try {
          other = Files.readString(mark).strip();
        } catch (NoSuchFileException gone) {
          continue;
        }
        boolean lives =
            other.isEmpty()
                || ProcessHandle.of(Long.parseLong(other))
                    .filter(ProcessHandle::isAlive)
                    .isPresent();
        if (lives && !other.equals(self) && Files.exists(mark)) {
          note("failures", name + ": process " + other + " unpacks " + mark.getFileName());
        }
        Files.deleteIfExists(mark);
      }
    }
  }

  private void release() throws LayerStoreException {
    if (!held.isEmpty()) {
      store.release(held.remove(random.nextInt(held.size())));
    }
  }

  private void get() throws LayerStoreException {
    List<Content> chain = anyChain();
    try (Layer layer = store.get(chain.get(chain.size() - 1).chainId())) {
      readAll(layer);
    } catch (LayerNotFoundException e) {
      // Nobody has registered it, or all have released it.
      return;
    }
  }

  /** What is held is there, whatever others do. */
  private void read() throws IOException {
    if (!held.isEmpty()) {
      Layer layer = held.get(random.nextInt(held.size()));
      try {
        readAll(layer);
        store.get(layer.chainId()).close();
      } catch (LayerStoreException e) {
        fail("VANISHED " + layer.chainId() + " " + Files.exists(store.root()), e);
      }
    }
  }

  private static void readAll(Layer layer) throws LayerStoreException {
    try (InputStream archive = layer.tarStream()) {
      archive.transferTo(OutputStream.nullOutputStream());
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw new LayerStoreException("cannot read " + layer.chainId(), e);
    }
  }

  private void image() throws IOException {
    List<Content> chain = anyChain();
    try (Layer layer = registerChain(chain)) {
      StringBuilder diffIds = new StringBuilder();
      for (Content content : chain) {
        diffIds
            .append(diffIds.isEmpty() ? "" : ",")
            .append('"')
            .append(content.diffId())
            .append('"');
      }
      String config =
          "{\"architecture\":\"amd64\",\"os\":\"linux\",\"author\":\"%d\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]}}"
              .formatted(random.nextInt(3), diffIds);
      Image image;
      ImageReference tag = ImageReference.parse(name + ":" + count++);
      try {
        image = store.images().create(config.getBytes(UTF_8));
        store.images().references().addTag(tag, image.id(), true);
      } catch (ImageNotFoundException e) {
        return; // Another has deleted it before it had a name.
      }
      note("images-" + name, "+ " + tag + " " + image.id() + " " + layer.chainId());
    }
  }

  private void deleteImage() throws IOException {
    if (count > 0) {
      ImageReference tag = ImageReference.parse(name + ":" + random.nextInt(count));
      note("images-" + name, "- " + tag);
      Optional<ImageId> id = store.images().references().find(tag);
      if (id.isPresent()) {
        store.images().references().remove(tag);
        // Deletes the image if it has no name, and looks once more in the moment it does.
        store.images().prune(PruneOptions.DEFAULT);
      }
    }
  }

  /** What is written into a mount is there as long as the mount is, whoever shares it and ends. */
  private void writeAndRead(Mount mount) throws IOException {
    RootedFile file = mount.file("/w-" + name);
    String text = name + " " + random.nextInt();
    file.write(text.getBytes(UTF_8));
    for (int looks = random.nextInt(3); looks >= 0; looks--) {
      store.layers();
      String found = new String(file.readAllBytes(), UTF_8);
      if (!found.equals(text)) {
        note("failures", name + ": wrote \"" + text + "\" into a mount, found " + found);
      }
    }
  }

  private void readWrite() throws IOException {
    String rw = "rw-" + random.nextInt(4);
    List<Content> chain = anyChain();
    RWLayer layer;
    try (Layer parent = registerChain(chain)) {
      layer = store.createRWLayer(rw, parent.chainId());
    } catch (NameConflictException e) {
      try {
        layer = store.getRWLayer(rw);
      } catch (RWLayerNotFoundException gone) {
        return;
      }
    }
    Mount mount;
    try {
      mount = layer.mount();
    } catch (MountBusyException e) {
      if (Machine.isRoot()) {
        fail("share a mount", e); // All processes see the kernel's mount.
      }
      layer.close();
      return;
    }
    writeAndRead(mount);
    try {
      mount.close();
    } catch (MountBusyException e) {
      mount.closeLazily(); // One that is killed takes a moment to close its files.
    }
    if (random.nextBoolean()) {
      layer.close();
      return;
    }
    try {
      store.releaseRWLayer(layer);
    } catch (MountBusyException e) {
      layer.close();
    }
  }
}
