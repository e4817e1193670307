package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.Image;
import io.layerstore.ImageTarget;
import io.layerstore.ImportOptions;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerInfo;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.SaveOptions;
import io.layerstore.StoreOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A store that only reads, beside one that deletes what is being read, as a dockerd would: errors
 * say what happened, and not where it was noticed.
 */
public abstract class ReadingBesideWriterContract {

  /** More than what any buffer on the way holds. */
  private static final byte[] LARGE = new byte[4 << 20];

  private Path root;
  private LayerStore writer;
  private LayerStore reader;

  /** An empty directory, or the path of one that can be made. */
  protected abstract Path newRoot() throws IOException;

  /** A builder that names the driver under test. */
  protected abstract StoreOptions.Builder builder(Path root);

  @BeforeEach
  void openStores() throws IOException {
    root = newRoot();
    writer = builder(root).open();
    reader = builder(root).readOnly(true).open();
  }

  @AfterEach
  void closeStores() throws IOException {
    if (reader != null) {
      reader.close();
    }
    if (writer != null) {
      writer.close();
    }
  }

  private static byte[] archive() {
    return new TarBuilder()
        .file("a", new String(LARGE, US_ASCII))
        .file("b", "last")
        .end()
        .toBytes();
  }

  private ChainId register() throws IOException {
    try (Layer layer = writer.register(new ByteArrayInputStream(archive()), (ChainId) null)) {
      return layer.chainId();
    }
  }

  private void delete(ChainId chainId) throws IOException {
    assertEquals(1, writer.release(writer.get(chainId)).size());
  }

  private static byte[] export(Layer layer) throws IOException {
    try (InputStream tar = layer.tarStream()) {
      return tar.readAllBytes();
    }
  }

  // Layers

  @Test
  void tarStream_layerIsDeletedMeanwhile_isNotFound() throws IOException {
    ChainId chainId = register();
    try (Layer layer = reader.get(chainId);
        InputStream tar = layer.tarStream()) {
      assertNotEquals(-1, tar.read());
      delete(chainId);

      LayerNotFoundException e = assertThrows(LayerNotFoundException.class, tar::readAllBytes);
      assertEquals(chainId.toString(), e.id());
      assertThrows(LayerNotFoundException.class, tar::read);
    }
  }

  @Test
  void everythingOfALayer_deletedBefore_isNotFound() throws IOException {
    ChainId chainId = register();
    try (Layer layer = reader.get(chainId)) {
      delete(chainId);

      assertThrows(LayerNotFoundException.class, () -> export(layer));
      assertThrows(LayerNotFoundException.class, layer::mount);
      assertThrows(
          LayerNotFoundException.class,
          () -> {
            try (InputStream tar = layer.tarStreamFrom(null)) {
              tar.readAllBytes();
            }
          });
    }
    assertThrows(LayerNotFoundException.class, () -> reader.get(chainId));
    assertEquals(List.of(), reader.layers());
  }

  @Test
  void get_layerWasDeletedAndMadeAgain_isTheNewOne() throws IOException {
    ChainId chainId = register();
    try (Layer before = reader.get(chainId)) {
      delete(chainId);
      register();

      try (Layer after = reader.get(chainId)) {
        assertArrayEquals(archive(), export(after));
        assertNotEquals(before.cacheId(), after.cacheId());
      }
      assertThrows(LayerNotFoundException.class, () -> export(before));
      assertThrows(LayerNotFoundException.class, before::mount);
    }
  }

  @Test
  void layers_chainWasDeletedAndMadeAgain_areTheNewOnes() throws IOException {
    List<LayerInfo> before = registerTwo();
    assertEquals(before, reader.layers());
    try (Layer held = reader.get(before.get(0).chainId())) {
      assertEquals(before.get(0).chainId(), held.chainId());
      List<LayerInfo> deleted = writer.layers();
      for (LayerInfo info : deleted) {
        if (info.usage().children().isEmpty()) {
          writer.release(writer.get(info.chainId()));
        }
      }
      List<LayerInfo> after = registerTwo();

      assertEquals(after, reader.layers());
      assertNotEquals(before, after);
    }
    assertEquals(writer.layers(), reader.layers());
  }

  private List<LayerInfo> registerTwo() throws IOException {
    try (Layer base =
            writer.register(new TarBuilder().file("a", "a").end().toStream(), (ChainId) null);
        Layer top =
            writer.register(new TarBuilder().file("b", "b").end().toStream(), base.chainId())) {
      assertEquals(base.chainId(), top.parent().orElseThrow());
    }
    return writer.layers();
  }

  // Read-write layers

  private RWLayer createWork() throws IOException {
    RWLayer work = writer.createRWLayer("work");
    try (Mount mount = work.mount()) {
      for (String name : List.of("a", "b")) {
        Files.createDirectory(mount.path().resolve(name));
        Files.write(mount.path().resolve(name).resolve("file"), LARGE);
      }
    }
    return work;
  }

  @Test
  void everythingOfARWLayer_releasedBefore_isNotFound() throws IOException {
    RWLayer work = createWork();
    try (RWLayer layer = reader.getRWLayer("work")) {
      writer.releaseRWLayer(work);

      assertThrows(RWLayerNotFoundException.class, layer::sizeBytes);
      assertThrows(RWLayerNotFoundException.class, () -> readAll(layer));
      assertNotFound(layer);
    }
    assertThrows(RWLayerNotFoundException.class, () -> reader.getRWLayer("work"));
    assertEquals(List.of(), reader.rwLayers());
  }

  private static void readAll(RWLayer layer) throws IOException {
    try (InputStream tar = layer.tarStream()) {
      tar.readAllBytes();
    }
  }

  /** Where it is noticed is a matter of the driver: at once, or with the first change. */
  private static void assertNotFound(RWLayer layer) {
    assertThrows(
        RWLayerNotFoundException.class,
        () -> {
          try (Stream<Change> changes = layer.changes()) {
            changes.forEach(change -> {});
          } catch (UncheckedIOException e) {
            throw e.getCause();
          }
        });
  }

  /** As a dockerd does it. */
  @Test
  void everythingOfARWLayer_filesWentBeforeTheRecord_isNotFound() throws IOException {
    try (RWLayer work = createWork();
        RWLayer layer = reader.getRWLayer("work")) {
      Path files;
      try (Stream<Path> found = Files.walk(root.resolve(writer.driverName()), 2)) {
        files = found.filter(path -> path.endsWith(work.mountId())).findFirst().orElseThrow();
      }
      Files.move(files, root.resolve("gone"));

      assertThrows(RWLayerNotFoundException.class, layer::sizeBytes);
      assertThrows(RWLayerNotFoundException.class, () -> readAll(layer));
      assertNotFound(layer);
      assertEquals(List.of(), reader.images().diskUsage().rwLayers());
    }
  }

  @Test
  void rwLayers_oneWasReleasedAndMadeAgain_areTheNewOnes() throws IOException {
    RWLayer work = createWork();
    List<RWLayerInfo> before = reader.rwLayers();
    try (RWLayer held = reader.getRWLayer("work")) {
      writer.releaseRWLayer(work);
      writer.createRWLayer("work").close();

      assertEquals(writer.rwLayers(), reader.rwLayers());
      assertNotEquals(before, reader.rwLayers());
      assertNotFound(held);
    }
  }

  @Test
  void changes_directoryGoesMeanwhile_areAsTheyWereOrConcurrentChange() throws IOException {
    try (RWLayer work = createWork();
        RWLayer layer = reader.getRWLayer("work");
        Stream<Change> changes = layer.changes()) {
      Iterator<Change> each = changes.iterator();
      assertEquals("A /a", each.next().toString());
      try (Mount mount = work.mount()) {
        Files.delete(mount.path().resolve("b/file"));
        Files.delete(mount.path().resolve("b"));
      }

      // How far a driver had read ahead decides; there is nothing in between.
      List<String> rest = new ArrayList<>();
      try {
        each.forEachRemaining(change -> rest.add(change.toString()));
        assertEquals(List.of("A /a/file", "A /b", "A /b/file"), rest);
      } catch (UncheckedIOException e) {
        assertEquals(ConcurrentChangeException.class, e.getCause().getClass());
      }
    }
  }

  @Test
  void diskUsage_readWriteLayerIsReleasedMeanwhile_leavesItOut() throws IOException {
    RWLayer work = createWork();
    assertEquals(1, reader.images().diskUsage().rwLayers().size());
    writer.releaseRWLayer(work);

    assertEquals(List.of(), reader.images().diskUsage().rwLayers());
  }

  // Images

  private Image importImage() throws IOException {
    return writer.images().importRootFs(LayerSource.of(archive()), ImportOptions.DEFAULT);
  }

  @Test
  void save_imageIsDeletedMeanwhile_isNotFound() throws IOException {
    Image image = importImage();
    ByteArrayOutputStream saved = new ByteArrayOutputStream();

    assertThrows(
        LayerNotFoundException.class,
        () ->
            reader
                .images()
                .save(
                    List.of(image.id().toString()),
                    ImageTarget.stream(
                        new FilterOutputStream(saved) {
                          private boolean isDeleted;

                          @Override
                          public void write(byte[] bytes, int offset, int length)
                              throws IOException {
                            if (!isDeleted) {
                              isDeleted = true;
                              writer.images().delete(image.id(), true);
                            }
                            out.write(bytes, offset, length);
                          }
                        }),
                    SaveOptions.DEFAULT));
  }

  @Test
  void save_imageWasDeletedAndMadeAgain_givesIt() throws IOException {
    Image image = importImage();
    assertEquals(1, reader.images().list().size());
    byte[] config = image.configBytes().toByteArray();
    writer.images().delete(image.id(), true);
    ChainId chainId = register();
    Image again = writer.images().create(config);
    writer.get(chainId).close();
    ByteArrayOutputStream saved = new ByteArrayOutputStream();

    reader
        .images()
        .save(List.of(again.id().toString()), ImageTarget.stream(saved), SaveOptions.DEFAULT);

    assertEquals(image.id(), again.id());
    assertTrue(saved.size() > LARGE.length);
  }
}
