package io.layerstore.core.image;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.ImageStore;
import io.layerstore.ImportOptions;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FileOperation;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * The life of a parent and a child image with names, with a process that dies before each change to
 * the image files in turn, and with an error at each in turn.
 */
final class ImageStoreCrashTest {

  private static final ImageReference ONE = ImageReference.parse("one");
  private static final ImageReference TWO = ImageReference.parse("two");

  private static final ImportOptions IMPORT =
      ImportOptions.builder()
          .reference(ImageReference.parse("imported"))
          .created(Instant.EPOCH)
          .build();

  private static LayerSource tar(String name) {
    return LayerSource.of(new TarBuilder().file(name, name).end().toBytes());
  }

  private static byte[] config(String label, Layer layer) {
    return "{\"config\":{\"Labels\":{\"l\":\"%s\"}},\"rootfs\":{\"diff_ids\":[\"%s\"]}}"
        .formatted(label, layer.diffId())
        .getBytes(UTF_8);
  }

  private static Path newRoot() {
    FileSystem memory = MemoryFiles.unix();
    return memory.getPath("/store");
  }

  /** One thing that is done to the images. */
  private interface Step {
    void run(ImageStore images, Layer layer) throws IOException;
  }

  private static ImageId idOf(String label, Layer layer) {
    return ImageId.of(config(label, layer));
  }

  private static final List<Step> LIFE =
      List.of(
          (images, layer) -> images.create(config("parent", layer)),
          (images, layer) -> images.create(config("child", layer)),
          (images, layer) -> images.setParent(idOf("child", layer), idOf("parent", layer)),
          (images, layer) -> images.references().addTag(ONE, idOf("parent", layer), false),
          (images, layer) -> images.references().addTag(TWO, idOf("child", layer), false),
          (images, layer) -> images.references().addTag(TWO, idOf("parent", layer), true),
          (images, layer) -> images.references().remove(TWO),
          (images, layer) -> images.importRootFs(tar("imported"), IMPORT),
          (images, layer) -> images.delete(idOf("parent", layer), true),
          (images, layer) -> images.delete(idOf("child", layer), true));

  /** All that there is to see, and what holds it. */
  private static Map<String, Object> state(LayerStore store) {
    Map<String, Object> state = new TreeMap<>();
    state.put("images", store.images().list());
    state.put("names", store.images().references().list());
    state.put("layers", store.layers().stream().map(LayerInfo::chainId).toList());
    return state;
  }

  private static Map<String, Object> reopened(Path root) throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(List.of(), store.images().recoveryReport().findings());
      // Every image can be used: its layers are there, and held.
      for (Image image : store.images().list()) {
        assertEquals(List.of(), store.release(store.get(image.topLayer().orElseThrow())));
      }
      return state(store);
    }
  }

  private static boolean isImageFile(FileOperation operation) {
    String path = operation.path().toString();
    return path.contains("imagedb") || path.contains("repositories.json");
  }

  @Test
  void anyChange_fails_nothingHasChangedInMemoryOrOnDisk() throws IOException {
    int failures = 0;
    for (int step = 0; step < LIFE.size(); step++) {
      boolean fails = true;
      for (int fault = 0; fails; fault++) {
        fails = failsWithoutATrace(step, fault);
        failures += fails ? 1 : 0;
      }
    }
    assertTrue(failures > 60, "only " + failures + " changes could fail");
  }

  private static boolean failsWithoutATrace(int step, int fault) throws IOException {
    Path root = newRoot();
    FaultyFileSystem faulty = FaultyFileSystem.over(root.getFileSystem());
    boolean[] failed = {false};
    Map<String, Object> after = null;
    try (LayerStore store = LayerStore.open(faulty.wrap(root));
        Layer layer = store.register(tar("a"), RegisterOptions.DEFAULT)) {
      for (Step done : LIFE.subList(0, step)) {
        done.run(store.images(), layer);
      }
      Map<String, Object> before = state(store);
      int[] left = {fault};
      faulty.failWhen(
          operation -> {
            boolean isIt = isImageFile(operation) && left[0]-- == 0;
            failed[0] |= isIt;
            return isIt;
          });
      try {
        LIFE.get(step).run(store.images(), layer);
        faulty.failWhen(operation -> false);
        // A failure that was reported is an exception; there may have been none.
        assertEquals(false, failed[0], "step " + step + " hides the failure of change " + fault);
      } catch (IOException e) {
        faulty.failWhen(operation -> false);
        assertTrue(failed[0], () -> "failed for another reason: " + e);
        after = state(store);
        if (!isDeleted(before, after)) {
          assertEquals(before, after, "step " + step + ", change " + fault);
        }
      }
    }
    if (after != null) {
      assertEquals(after, reopened(root), "step " + step + ", change " + fault);
    }
    assertEquals(List.of(), faulty.openResources());
    root.getFileSystem().close();
    return failed[0];
  }

  /** A delete whose very last step fails has happened. */
  private static boolean isDeleted(Map<String, Object> before, Map<String, Object> after) {
    return ((List<?>) after.get("images")).size() < ((List<?>) before.get("images")).size();
  }

  @Test
  void process_diesBeforeAnyChangeOrWithinAnyWrite_nextOneFindsTheStateBeforeOrAfter()
      throws IOException {
    int deaths = 0;
    for (int step = 0; step < LIFE.size(); step++) {
      boolean dies = true;
      for (int count = 0; dies; count++) {
        dies = diesSoundly(step, count);
        deaths += dies ? 1 : 0;
      }
    }
    assertTrue(deaths > 60, "only " + deaths + " places to die at");
  }

  private static boolean diesSoundly(int step, int count) throws IOException {
    Path root = newRoot();
    FaultyFileSystem faulty = FaultyFileSystem.over(root.getFileSystem());
    LayerStore store = LayerStore.open(faulty.wrap(root));
    Layer layer = store.register(tar("a"), RegisterOptions.DEFAULT);
    for (Step done : LIFE.subList(0, step)) {
      done.run(store.images(), layer);
    }
    List<Image> images = store.images().list();
    Map<ImageReference, ImageId> names = store.images().references().list();
    faulty.tearWrites();
    faulty.stopAfter(count);
    try {
      LIFE.get(step).run(store.images(), layer);
    } catch (IOException e) {
      assertTrue(faulty.isStopped(), () -> "stopped for another reason: " + e);
    }
    boolean died = faulty.isStopped();
    if (died) {
      try (LayerStore next = LayerStore.open(root)) {
        assertEquals(List.of(), next.images().recoveryReport().findings());
        List<ImageId> found = ids(next.images().list());
        // A name always means an image that is there.
        assertTrue(found.containsAll(next.images().references().list().values()));
        // At most the image of this step comes or goes, and at most its name.
        assertTrue(difference(ids(images), found) <= 1, "step " + step + ", change " + count);
        assertTrue(
            difference(names.keySet(), next.images().references().list().keySet()) <= 1,
            "step " + step + ", change " + count);
      }
    }
    try {
      store.close();
    } catch (IOException e) {
      assertTrue(died, () -> "cannot be closed: " + e);
    }
    root.getFileSystem().close();
    return died;
  }

  @Test
  void delete_isDoneInTheOrderOfDocker() throws IOException {
    Path root = newRoot();
    FaultyFileSystem faulty = FaultyFileSystem.over(root.getFileSystem());
    try (LayerStore store = LayerStore.open(faulty.wrap(root))) {
      Image image = store.images().importRootFs(tar("a"), IMPORT);
      String hex = image.id().digest().hex();
      faulty.forgetOperations();
      store.images().delete(image.id(), false);
      List<String> order = new ArrayList<>();
      for (FileOperation operation : faulty.operations()) {
        String path = root.relativize(operation.path()).toString();
        if (operation.kind() == FileOperation.Kind.MOVE && operation.target() != null) {
          order.add("rename to " + operation.target().getFileName());
        } else if (operation.kind() == FileOperation.Kind.DELETE && path.endsWith(hex)) {
          order.add("delete " + path.replace(hex, "ID"));
        }
      }
      List<String> distinct = order.stream().distinct().toList();
      assertEquals(
          List.of(
              "rename to repositories.json",
              "delete image/vfs/imagedb/metadata/sha256/ID",
              "delete image/vfs/imagedb/content/sha256/ID"),
          distinct.subList(0, 3));
      assertTrue(distinct.get(3).endsWith("-removing"), distinct.toString());
    }
    root.getFileSystem().close();
  }

  @Test
  void create_isDoneInTheOrderOfDocker() throws IOException {
    Path root = newRoot();
    FaultyFileSystem faulty = FaultyFileSystem.over(root.getFileSystem());
    try (LayerStore store = LayerStore.open(faulty.wrap(root))) {
      Image image = store.images().importRootFs(tar("a"), IMPORT);
      List<String> renamed =
          faulty.operations().stream()
              .filter(operation -> operation.kind() == FileOperation.Kind.MOVE)
              .map(operation -> String.valueOf(operation.target().getFileName()))
              .toList();
      assertEquals(
          List.of(
              image.topLayer().orElseThrow().digest().hex(),
              image.id().digest().hex(),
              "lastUpdated",
              "repositories.json"),
          renamed.subList(renamed.size() - 4, renamed.size()));
    }
    root.getFileSystem().close();
  }

  private static List<ImageId> ids(List<Image> images) {
    return new ArrayList<>(images.stream().map(Image::id).toList());
  }

  private static <T extends Comparable<T>> int difference(Collection<T> one, Collection<T> other) {
    TreeSet<T> all = new TreeSet<>(one);
    all.addAll(other);
    TreeSet<T> shared = new TreeSet<>(one);
    shared.retainAll(other);
    return all.size() - shared.size();
  }
}
