package io.layerstore.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.Image;
import io.layerstore.ImageSource;
import io.layerstore.LayerStore;
import io.layerstore.LoadOptions;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.SampleImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** What opening a store and listing its images open, as images grow in number. */
final class OpeningCostsTest {

  private static final int FEW = 2;
  private static final int MANY = 40;
  private static final int LAYERS = 3;

  private final FaultyFileSystem files = FaultyFileSystem.over(MemoryFiles.unix());
  private final Path root = files.getPath("/store");

  private interface Operation {
    void run() throws IOException;
  }

  /** What is opened below the root, files and directories. */
  private List<String> openedBy(Operation operation) throws IOException {
    List<String> opened = new CopyOnWriteArrayList<>();
    files.refuseToOpen(
        path -> {
          opened.add(path.toString());
          return false;
        });
    operation.run();
    files.refuseToOpen(path -> false);
    return opened;
  }

  private void open() throws IOException {
    LayerStore.open(root).close();
  }

  private void list() throws IOException {
    try (LayerStore store = LayerStore.builder(root).readOnly(true).open()) {
      store.images().references().list();
      store.images().list();
      store.layers();
    }
  }

  /** Makes images on the same layers until there are so many. */
  private void makeImages(int count) throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      store
          .images()
          .load(
              ImageSource.of(
                  ImageFiles.docker(SampleImage.small("first", LAYERS), "first:1")
                      .smallFirst()
                      .toStream()),
              LoadOptions.DEFAULT);
      Image first = store.images().resolve("first:1");
      String config = new String(first.configBytes().toByteArray(), UTF_8);
      for (int i = store.images().list().size(); i < count; i++) {
        String other = config.replaceFirst("\\{", "{\"author\":\"" + i + "\",");
        Image image = store.images().create(other.getBytes(UTF_8));
        store.images().setParent(image.id(), first.id());
      }
    }
  }

  @Test
  void open_storeThatNobodyChanges_listsLayersOnceToLoadAndOnceForDeletions() throws IOException {
    makeImages(FEW);
    assertEquals(
        2, openedBy(this::open).stream().filter(path -> path.endsWith("layerdb/sha256")).count());
  }

  @Test
  void listImages_manyImages_oneConfigurationAndOneParentForEach() throws IOException {
    makeImages(FEW);
    int few = openedBy(this::list).size();
    makeImages(MANY);
    int many = openedBy(this::list).size();
    assertEquals(2 * (MANY - FEW), many - few);
  }
}
