package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageSource;
import io.layerstore.Layer;
import io.layerstore.LayerNotRetainedException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that has no descriptor left: what it asks of a store fails with a failure of the
 * library, never because a class cannot be loaded, and nothing of it stays.
 */
final class NoDescriptorsTest {

  /** Does everything in a process of its own, with few descriptors. */
  static final class Main {

    /** In any state of the process, a few descriptors may be free. */
    private static final int MOST_FREE = 8;

    private Main() {}

    /** Something to try. */
    @FunctionalInterface
    private interface Attempt {
      void run() throws IOException;
    }

    /** Takes a directory and the archive of an image. */
    public static void main(String[] arguments) throws IOException {
      Path root = Path.of(arguments[0]);
      ImageSource source = ImageSource.of(Path.of(arguments[1]));
      byte[] tar = new TarBuilder().file("a", "a").end().toBytes();
      try (LayerStore store = LayerStore.builder(root).driver("vfs").open()) {
        ImageId loaded = store.images().load(source, LoadOptions.DEFAULT).images().get(0).id();
        store.images().delete(loaded, true);
        Map<String, Attempt> attempts = new LinkedHashMap<>();
        attempts.put("create", () -> store.releaseRWLayer(store.createRWLayer("none")));
        attempts.put("load", () -> load(store, source));
        attempts.put("cleanup", store::cleanup);
        for (int free = 0; free < MOST_FREE; free++) {
          Layer layer = store.register(LayerSource.of(tar), RegisterOptions.DEFAULT);
          RWLayer rw = store.createRWLayer("rw", layer.chainId());
          attempts.put("releaseRW", () -> store.releaseRWLayer(rw));
          attempts.put("release", () -> store.release(layer));
          withFewDescriptors(free, attempts);
          store.cleanup();
          again(() -> store.releaseRWLayer(rw));
          again(() -> store.release(layer));
          if (!store.rwLayers().isEmpty()) { // Created, and then not released.
            store.releaseRWLayer(store.getRWLayer("none"));
          }
          requireNothing(store);
        }
      }
      try (LayerStore store = LayerStore.open(root)) {
        System.out.println(store.recoveryReport().findings());
      }
    }

    /** A handle whose release failed is good for another. */
    private static void again(Attempt release) throws IOException {
      try {
        release.run();
      } catch (LayerNotRetainedException e) {
        // It had not failed.
      }
    }

    /** Whatever it fails at, no image is to be seen of it. */
    private static void load(LayerStore store, ImageSource source) throws IOException {
      try {
        ImageId loaded = store.images().load(source, LoadOptions.DEFAULT).images().get(0).id();
        store.images().delete(loaded, true);
      } catch (LayerStoreException e) {
        if (!store.images().list().isEmpty() && !isOfDeletion(e)) {
          System.out.println("an image of a load that failed: " + e);
        }
      }
    }

    private static boolean isOfDeletion(LayerStoreException e) {
      return String.valueOf(e.getMessage()).contains("delete image");
    }

    private static void withFewDescriptors(int free, Map<String, Attempt> attempts)
        throws IOException {
      Deque<Closeable> taken = new ArrayDeque<>();
      Path any = Path.of("/dev/null");
      Map<String, Throwable> failures = new LinkedHashMap<>();
      try {
        while (true) {
          try {
            taken.push(FileChannel.open(any));
          } catch (IOException e) {
            break;
          }
        }
        for (int i = 0; i < free; i++) {
          taken.pop().close();
        }
        attempts.forEach(
            (what, attempt) -> {
              try {
                attempt.run();
              } catch (LayerStoreException e) {
                // As it should be.
              } catch (IOException | RuntimeException | Error e) {
                failures.put(what, e);
              }
            });
      } finally {
        for (Closeable one : taken) {
          one.close();
        }
      }
      failures.forEach(
          (what, failure) -> {
            System.out.println(what + " with " + free + " descriptors: " + failure);
            failure.printStackTrace();
          });
    }

    /** Everything can be deleted now, and what was said to have failed is not there. */
    private static void requireNothing(LayerStore store) throws IOException {
      for (Image image : store.images().list()) {
        store.images().delete(image.id(), true);
      }
      if (!store.layers().isEmpty() || !store.rwLayers().isEmpty()) {
        System.out.println("left: " + store.layers() + store.rwLayers());
      }
    }
  }

  @Test
  void operations_withoutDescriptors_failAsTheLibrarysAndLeaveNothing(@TempDir Path directory)
      throws IOException, InterruptedException {
    SampleImage image = SampleImage.small("a", 2);
    Path archive =
        ImageFiles.docker(List.of(image), ImageFiles.item(image, "demo:1"))
            .writeTar(directory.resolve("archive.tar"));
    Tool.Result result =
        ChildJvm.runUnder(
            Tool.require("sh"),
            List.of("-c", "ulimit -n 120; exec \"$@\"", "sh"),
            Main.class,
            directory.resolve("root"),
            archive);
    assertEquals("[]\n", result.out(), result.err());
  }
}
