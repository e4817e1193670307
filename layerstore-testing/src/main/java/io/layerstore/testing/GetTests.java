package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.AmbiguousIdException;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Finding layers. */
abstract class GetTests extends StoreTests {

  @Test
  void get_unknown_notFound() {
    assertThrows(
        LayerNotFoundException.class, () -> store().get(ChainId.of(null, DiffId.EMPTY_TAR)));
  }

  @Test
  void resolve_uniquePrefix_found() throws IOException {
    try (Layer layer = register(tar("a", "1"))) {
      String hex = layer.chainId().digest().hex();
      assertEquals(layer.chainId(), store().resolve(hex.substring(0, 12)));
      assertEquals(layer.chainId(), store().resolve("sha256:" + hex.substring(0, 5)));
    }
  }

  @Test
  void resolve_ambiguousPrefix_errorNamesCandidates() throws IOException {
    Set<Character> firstDigits = new TreeSet<>();
    ChainId ambiguous = null;
    for (int i = 0; ambiguous == null; i++) {
      try (Layer layer = register(tar("a", Integer.toString(i)))) {
        if (!firstDigits.add(layer.chainId().digest().hex().charAt(0))) {
          ambiguous = layer.chainId();
        }
      }
    }
    String prefix = ambiguous.digest().hex().substring(0, 1);
    AmbiguousIdException e =
        assertThrows(AmbiguousIdException.class, () -> store().resolve(prefix));
    assertTrue(e.candidates().contains(ambiguous.toString()), e.candidates().toString());
  }

  @Test
  void resolve_absentPrefix_notFound() {
    assertThrows(LayerNotFoundException.class, () -> store().resolve("abc"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "sha256:", "xyz", "ABC", "../x"})
  void resolve_noPrefixOfAnId_illegalArgument(String text) {
    assertThrows(IllegalArgumentException.class, () -> store().resolve(text));
  }

  @Test
  void layers_several_areSortedByChainId() throws IOException {
    List<ChainId> registered = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      try (Layer layer = register(tar("a", Integer.toString(i)))) {
        registered.add(layer.chainId());
      }
    }
    Collections.sort(registered);
    assertEquals(registered, store().layers().stream().map(LayerInfo::chainId).toList());
  }

  @Test
  void get_spentHandle_stillTellsIdsAndSizes() throws IOException {
    byte[] tar = tar("a", "12");
    Layer layer = register(tar);
    store().release(layer);
    assertEquals(diffId(tar), layer.diffId());
    assertEquals(ChainId.of(null, diffId(tar)), layer.chainId());
    assertEquals(2, layer.sizeBytes());
    assertEquals(2, layer.diffSizeBytes());
    assertEquals(1, layer.depth());
    assertThrows(IllegalStateException.class, layer::metadata);
    assertThrows(IllegalStateException.class, layer::mount);
    assertThrows(IllegalStateException.class, () -> layer.tarStreamFrom(null));
  }

  @Test
  void layers_afterReopen_equal() throws IOException {
    try (Layer base = register(tar("a", "1"));
        Layer top = register(tar("b", "2"), base.chainId())) {
      assertEquals(2, top.depth());
    }
    List<LayerInfo> before = store().layers();
    assertEquals(2, before.size());
    assertEquals(before, reopen().layers());
  }
}
