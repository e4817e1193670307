package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.testing.TarBuilder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SavedImageTest {
  private static final String EMPTY = DiffId.EMPTY_TAR.toString();

  @TempDir private Path temp;

  @Test
  void open_archiveOfDocker_givesTheLayersOfItsConfig() throws IOException {
    try (SavedImage image = SavedImage.open(Sample.image())) {
      assertEquals("layerstore/sample:latest", image.name());
      assertEquals(image.diffIds(), digests(image));
    }
  }

  @Test
  void open_compressedFile_givesTheSame() throws IOException {
    Path file = temp.resolve("image.tar.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(Sample.image());
    }

    try (SavedImage image = SavedImage.open(file)) {
      assertEquals(image.diffIds(), digests(image));
    }
  }

  @Test
  void open_plainFile_givesTheSame() throws IOException {
    Path file = Files.write(temp.resolve("image.tar"), Sample.image());

    try (SavedImage image = SavedImage.open(file)) {
      assertEquals(image.diffIds(), digests(image));
    }
  }

  @Test
  void open_repeatedLayer_followsTheLink() throws IOException {
    byte[] archive =
        new TarBuilder()
            .file("manifest.json", manifest("\"a/layer.tar\",\"b/layer.tar\""))
            .file("c.json", config("\"" + EMPTY + "\",\"" + EMPTY + "\""))
            .file("a/layer.tar", "\0".repeat(1024))
            .symlink("b/layer.tar", "../a/layer.tar")
            .end()
            .toBytes();

    try (SavedImage image = SavedImage.open(archive)) {
      assertEquals(List.of(DiffId.EMPTY_TAR, DiffId.EMPTY_TAR), digests(image));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "[null]",
        "{}",
        "[{}]",
        "[{\"Config\":\"none.json\",\"Layers\":[]}]",
        "[{\"Config\":\"c.json\",\"Layers\":[]}]",
        "[{\"Config\":\"c.json\",\"Layers\":[\"a/layer.tar\",\"a/layer.tar\"]}]",
        "[{\"Config\":\"c.json\",\"Layers\":[\"../layer.tar\"]}]",
        "[{\"Config\":\"c.json\",\"Layers\":[\"up\"]}]",
        "[{\"Config\":\"c.json\",\"Layers\":[null]}]",
        "[{\"Config\":\"a/layer.tar\",\"Layers\":[\"a/layer.tar\"]}]",
        "[{\"Config\":\"c.json\",\"Layers\":[\"a/layer.tar\"]",
      })
  void open_wrongManifest_isRefusedWithAReason(String manifest) {
    byte[] archive =
        new TarBuilder()
            .file("manifest.json", manifest)
            .file("c.json", config("\"" + EMPTY + "\""))
            .file("a/layer.tar", "\0".repeat(1024))
            .symlink("up", "../../a/layer.tar")
            .end()
            .toBytes();

    assertRefused(archive);
  }

  @Test
  void open_wrongDiffId_isRefusedWithAReason() {
    assertRefused(
        new TarBuilder()
            .file("manifest.json", manifest("\"a/layer.tar\""))
            .file("c.json", config("\"sha256:12\""))
            .file("a/layer.tar", "\0".repeat(1024))
            .end()
            .toBytes());
  }

  @Test
  void open_notATar_isRefusedWithAReason() throws IOException {
    Path file = Files.writeString(temp.resolve("image.tar"), "text ".repeat(300));

    LayerStoreException e =
        assertThrows(LayerStoreException.class, () -> SavedImage.open(file).close());

    assertTrue(e.getMessage().startsWith("not an image archive: "), e.getMessage());
  }

  private static void assertRefused(byte[] archive) {
    LayerStoreException e =
        assertThrows(LayerStoreException.class, () -> SavedImage.open(archive).close());

    assertTrue(e.getMessage().startsWith("not an image archive: "), e.getMessage());
  }

  private static String manifest(String layers) {
    return "[{\"Config\":\"c.json\",\"RepoTags\":null,\"Layers\":[" + layers + "]}]";
  }

  private static String config(String diffIds) {
    return "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" + diffIds + "]}}";
  }

  private static List<DiffId> digests(SavedImage image) throws IOException {
    List<DiffId> digests = new ArrayList<>();
    for (LayerSource layer : image.layers()) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (InputStream in = layer.open()) {
        in.transferTo(bytes);
      }
      digests.add(new DiffId(Digest.sha256Of(bytes.toByteArray())));
    }
    return digests;
  }
}
