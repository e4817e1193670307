package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RegisterOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether registering a layer that is there already sees what is missing of it, and only that. */
public abstract class MissingEntriesContract {

  private static final byte[] LAYER =
      new TarBuilder()
          .directory("d/")
          .file("d/content", "x")
          .file("d/empty", "")
          .directory("none/")
          .symlink("link", "d/content")
          .hardLink("hard", "d/empty")
          .end()
          .toBytes();

  /** Everything for which an entry of a sound layer is not there under its name. */
  private static final byte[] WITHOUT =
      new TarBuilder()
          .file(".wh.before", "")
          .directory("opaque/")
          .file("opaque/.wh..wh..opq", "")
          .file("gone", "")
          .file(".wh.gone", "")
          .directory("tree/")
          .file("tree/empty", "")
          .directory("tree/sub/")
          .file(".wh.tree", "")
          .directory("replaced/")
          .file("replaced/empty", "")
          .file("replaced", "")
          .file("twice", "")
          .directory("twice/")
          .symlink("twice", "gone")
          .paxGlobal("global", "comment", "x")
          .end()
          .toBytes();

  /** Opens the store, the same at each call. */
  protected abstract LayerStore open() throws LayerStoreException;

  /** The directory with a layer's own files. */
  protected abstract Path files(String cacheId);

  private String register(byte[] tar) throws IOException {
    try (LayerStore store = open();
        Layer layer = store.register(LayerSource.of(tar), RegisterOptions.DEFAULT);
        InputStream archive = layer.tarStream()) {
      assertArrayEquals(tar, archive.readAllBytes());
      return layer.cacheId();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"d/empty", "none", "link", "hard"})
  void register_entryWithoutContentIsMissing_isUnpackedAgain(String name) throws IOException {
    String cacheId = register(LAYER);
    Files.delete(files(cacheId).resolve(name));
    assertNotEquals(cacheId, register(LAYER));
  }

  @Test
  void register_nothingIsMissing_isTheSame() throws IOException {
    assertEquals(register(LAYER), register(LAYER));
  }

  @Test
  void register_entriesThatLaterOnesReplaceOrDelete_isTheSame() throws IOException {
    assertEquals(register(WITHOUT), register(WITHOUT));
  }
}
