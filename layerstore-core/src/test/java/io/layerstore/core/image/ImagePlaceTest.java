package io.layerstore.core.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImportOptions;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreProvider;
import io.layerstore.StoreOptions;
import io.layerstore.core.DefaultLayerStoreProvider;
import io.layerstore.core.layerdb.FileMetadataStore;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Where images are when layer metadata is elsewhere than Docker has it. */
final class ImagePlaceTest {

  private final FileSystem memory = Jimfs.newFileSystem(Configuration.unix());
  private final Path root = memory.getPath("/store");

  @AfterEach
  void discard() throws IOException {
    memory.close();
  }

  private static Image makeImage(LayerStore store) throws IOException {
    return store
        .images()
        .importRootFs(
            LayerSource.of(new TarBuilder().file("a", "a").end().toBytes()),
            ImportOptions.builder().reference(ImageReference.parse("x")).build());
  }

  @Test
  void metadataPathTemplate_other_imagesAreBesideTheLayerDatabase() throws IOException {
    StoreOptions.Builder builder = LayerStore.builder(root).metadataPathTemplate("meta/%s/db");
    Image image;
    try (LayerStore store = builder.open()) {
      image = makeImage(store);
    }
    assertTrue(Files.exists(root.resolve("meta/vfs/repositories.json")));
    assertTrue(
        Files.exists(root.resolve("meta/vfs/imagedb/content/sha256/" + image.id().digest().hex())));
    try (LayerStore store = builder.open()) {
      assertEquals(List.of(image), store.images().list());
    }
  }

  @Test
  void metadataPathTemplate_inTheRoot_imagesAreInTheRoot() throws IOException {
    StoreOptions.Builder builder = LayerStore.builder(root).metadataPathTemplate("db-%s");
    try (LayerStore store = builder.open()) {
      makeImage(store);
    }
    assertTrue(Files.exists(root.resolve("repositories.json")));
  }

  @Test
  void metadataStore_other_imagesWork() throws IOException {
    Path elsewhere = memory.getPath("/elsewhere");
    LayerStoreProvider provider =
        new DefaultLayerStoreProvider(
            (path, durability, readOnly) ->
                FileMetadataStore.open(elsewhere, durability, readOnly));
    StoreOptions options = StoreOptions.builder(root).build();
    Image image;
    try (LayerStore store = provider.open(options)) {
      image = makeImage(store);
    }
    try (LayerStore store = provider.open(options)) {
      assertEquals(image, store.images().resolve("x"));
      assertEquals(1, store.images().delete(image.id(), false).size());
    }
  }
}
