package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layers whose files somebody has changed behind the back of the store, and their export. */
final class TamperedLayerTest {

  private static final @Nullable ChainId NO_PARENT = null;

  private static final byte[] ARCHIVE =
      new TarBuilder().directory("d/").file("d/f", "hello").file("g", "world").end().toBytes();

  @TempDir Path directory;
  private LayerStore store;
  private Layer layer;
  private Path diff;

  @BeforeEach
  void makeLayer() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    store =
        LayerStore.builder(directory.resolve("store"))
            .driver("overlay2")
            .durability(Durability.NONE)
            .open();
    layer = store.register(new java.io.ByteArrayInputStream(ARCHIVE), NO_PARENT);
    diff = Path.of(layer.metadata().get("UpperDir"));
  }

  @AfterEach
  void closeStore() throws IOException {
    if (store != null) {
      store.close();
    }
  }

  private static byte[] export(Layer layer) throws IOException {
    try (InputStream tar = layer.tarStream()) {
      return tar.readAllBytes();
    }
  }

  /** Fails unless the export ends with an error that names the file, and nothing else was in it. */
  private void assertExportFails(String file) throws IOException {
    ByteArrayOutputStream given = new ByteArrayOutputStream();
    try (InputStream tar = layer.tarStream()) {
      LayerVerificationException e =
          assertThrows(LayerVerificationException.class, () -> tar.transferTo(given));
      assertTrue(e.getMessage().contains(file), e::getMessage);
    }
    assertFalse(given.toString(StandardCharsets.ISO_8859_1).contains("secre"));
  }

  @Test
  void tarStream_moreFilesThanInTheArchive_areNotInIt() throws IOException {
    Files.writeString(diff.resolve("d/more"), "x");
    Files.createDirectory(diff.resolve("e"));
    assertArrayEquals(ARCHIVE, export(layer));
  }

  @Test
  void tarStream_byteChanged_failsAndNamesTheFile() throws IOException {
    Files.writeString(diff.resolve("d/f"), "hellO");
    assertExportFails("d/f");
  }

  @Test
  void tarStream_fileLonger_failsAndNamesTheFile() throws IOException {
    Files.writeString(diff.resolve("d/f"), "hello, hello");
    assertExportFails("d/f");
  }

  @Test
  void tarStream_fileShorter_failsAndNamesTheFile() throws IOException {
    Files.writeString(diff.resolve("g"), "");
    assertExportFails("g");
  }

  @Test
  void tarStream_fileGone_failsAndNamesTheFile() throws IOException {
    Files.delete(diff.resolve("d/f"));
    assertExportFails("d/f");
  }

  @Test
  void tarStream_fileReplacedByLinkToOutside_failsAndGivesNothingOfIt() throws IOException {
    Path outside = Files.writeString(directory.resolve("outside"), "secre");
    Files.delete(diff.resolve("d/f"));
    Files.createSymbolicLink(diff.resolve("d/f"), outside);
    assertExportFails("d/f");
  }

  @Test
  void tarStream_directoryReplacedByLinkToOutside_failsAndGivesNothingOfIt() throws IOException {
    Path outside = Files.createDirectory(directory.resolve("outside"));
    Files.writeString(outside.resolve("f"), "secre");
    Files.delete(diff.resolve("d/f"));
    Files.delete(diff.resolve("d"));
    Files.createSymbolicLink(diff.resolve("d"), Path.of("../../../../outside"));
    assertExportFails("d/f");
  }

  @Test
  void tarStream_fileReplacedByFifo_failsWithoutWaiting() throws Exception {
    Files.delete(diff.resolve("d/f"));
    assumeTrue(
        Tool.require("mkfifo").attempt(diff.resolve("d/f")).status() == 0, "no fifo can be made");
    assertExportFails("d/f");
  }

  @Test
  void tarStream_tarSplitsSwapped_fails() throws IOException {
    Layer other =
        store.register(new TarBuilder().file("d/f", "other").end().toStream(), layer.chainId());
    Path one = tarSplit(layer);
    Path two = tarSplit(other);
    Path aside = Files.move(one, directory.resolve("aside"));
    Files.move(two, one);
    Files.move(aside, two, StandardCopyOption.REPLACE_EXISTING);
    assertThrows(LayerStoreException.class, () -> export(layer));
    assertThrows(LayerStoreException.class, () -> export(other));
  }

  private Path tarSplit(Layer which) {
    return directory
        .resolve("store/image/overlay2/layerdb/sha256")
        .resolve(which.chainId().digest().hex())
        .resolve("tar-split.json.gz");
  }

  @Test
  void register_sameArchiveAfterFailure_heals() throws IOException {
    Files.writeString(diff.resolve("d/f"), "hellO");
    assertExportFails("d/f");
    Layer again = store.register(new java.io.ByteArrayInputStream(ARCHIVE), NO_PARENT);
    assertArrayEquals(ARCHIVE, export(again));
    Path now = Path.of(again.metadata().get("UpperDir"));
    assertEquals("hello", Files.readString(now.resolve("d/f")));
    assertTrue(Files.isDirectory(now, LinkOption.NOFOLLOW_LINKS));
  }
}
