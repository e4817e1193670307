package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ChainId;
import io.layerstore.Compression;
import io.layerstore.Layer;
import io.layerstore.Mount;
import io.layerstore.TarOptions;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Reading what is in a layer. */
abstract class ReadTests extends StoreTests {

  @Test
  void tarStream_afterReopen_exactBytes() throws IOException {
    byte[] tar = AppendixA.TWO_BASE.bytes();
    ChainId chainId;
    try (Layer layer = register(tar)) {
      chainId = layer.chainId();
    }
    reopen();
    try (Layer layer = store().get(chainId)) {
      assertArrayEquals(tar, export(layer));
    }
  }

  @ParameterizedTest
  @EnumSource(Compression.class)
  void tarStream_compressed_sameBytesTwiceAndExactInside(Compression compression)
      throws IOException {
    byte[] tar = tar("long", "0123456789".repeat(30_000));
    TarOptions options = TarOptions.builder().compression(compression).build();
    try (Layer layer = register(tar)) {
      byte[] exported = export(layer, options);
      assertArrayEquals(exported, export(layer, options));
      assertEquals(compression != Compression.NONE, exported.length < tar.length / 10);
      try (Layer again = register(exported)) {
        assertEquals(diffId(tar), again.diffId());
      }
    }
  }

  @Test
  void tarStream_gzip_isWhatOthersRead() throws IOException {
    byte[] tar = AppendixA.TWO_BASE.bytes();
    try (Layer layer = register(tar);
        InputStream plain =
            new GZIPInputStream(
                layer.tarStream(TarOptions.builder().compression(Compression.GZIP).build()))) {
      assertArrayEquals(tar, plain.readAllBytes());
    }
  }

  @Test
  void tarStream_latestTime_illegalArgumentBecauseBytesAreExact() throws IOException {
    try (Layer layer = register(tar("a", "1"))) {
      TarOptions options = TarOptions.builder().latestTime(LATEST).build();
      assertThrows(IllegalArgumentException.class, () -> layer.tarStream(options));
    }
  }

  @Test
  void tarStreamFrom_latestTimeAndCompressed_noEntryIsLater() throws IOException {
    TarOptions options =
        TarOptions.builder().latestTime(LATEST).compression(Compression.GZIP).build();
    try (Layer layer = register(AppendixA.TWO_BASE.bytes());
        InputStream difference = layer.tarStreamFrom(null, options);
        Layer squashed = register(difference.readAllBytes());
        Mount mount = squashed.mount()) {
      assertEquals(LATEST, modified(mount, "etc/a"));
      assertEquals(LATEST, modified(mount, "etc"));
    }
  }

  @Test
  void tarStreamFrom_grandparent_reproducesTheTree() throws IOException {
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        Layer middle = register(tar("m", "middle"), base.chainId());
        Layer top = register(AppendixA.TWO_TOP.bytes(), middle.chainId())) {
      byte[] difference;
      try (InputStream tar = top.tarStreamFrom(base.chainId())) {
        difference = tar.readAllBytes();
      }
      try (Layer squashed = register(difference, base.chainId());
          Mount expected = top.mount();
          Mount actual = squashed.mount()) {
        assertEquals(tree(expected.path()), tree(actual.path()));
      }
    }
  }

  @Test
  void tarStreamFrom_nothing_wholeTree() throws IOException {
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        Layer top = register(AppendixA.TWO_TOP.bytes(), base.chainId())) {
      byte[] everything;
      try (InputStream tar = top.tarStreamFrom(null)) {
        everything = tar.readAllBytes();
      }
      try (Layer squashed = register(everything);
          Mount expected = top.mount();
          Mount actual = squashed.mount()) {
        assertEquals(tree(expected.path()), tree(actual.path()));
      }
    }
  }

  @Test
  void tarStreamFrom_nonAncestor_refusedAsByDocker() throws IOException {
    try (Layer base = register(tar("a", "1"));
        Layer other = register(tar("b", "2"))) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> base.tarStreamFrom(other.chainId()));
      assertEquals(
          "layer ID '"
              + other.chainId()
              + "' is not a parent of the specified layer: cannot provide diff to non-parent",
          e.getMessage());
      assertThrows(IllegalArgumentException.class, () -> base.tarStreamFrom(base.chainId()));
    }
  }

  @Test
  void mount_twoLayers_mergedTree() throws IOException {
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        Layer top = register(AppendixA.TWO_TOP.bytes(), base.chainId());
        Mount mount = top.mount()) {
      assertEquals(
          List.of("dirx=now file", "etc/", "etc/b=B2", "filey/", "op/", "op/new=N"),
          tree(mount.path()));
    }
  }
}
