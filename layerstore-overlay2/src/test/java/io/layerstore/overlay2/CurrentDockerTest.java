package io.layerstore.overlay2;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException.Kind;
import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerOptions;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The rules of moby's current {@code layer}, {@code daemon/graphdriver} and {@code go-archive}
 * where they are stricter than those of 20.10, which other tests run: what a daemon of today must
 * find on a root that was written here.
 */
final class CurrentDockerTest {

  private static final @Nullable ChainId NO_PARENT = null;

  @TempDir Path root;
  private LayerStore store;

  @BeforeEach
  void openStore() throws IOException {
    Overlay2Testing.assumeSupported(root);
    store = LayerStore.builder(root).driver("overlay2").durability(Durability.NONE).open();
  }

  @AfterEach
  void closeStore() throws IOException {
    if (store != null) {
      store.close();
    }
  }

  private Layer register(TarBuilder archive, @Nullable ChainId parent) throws IOException {
    return store.register(archive.end().toStream(), parent);
  }

  private static Set<String> names(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries
          .map(path -> path.getFileName().toString())
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private Path record(Layer layer) {
    return record(layer.chainId());
  }

  private Path record(ChainId id) {
    return root.resolve("image/overlay2/layerdb/sha256").resolve(id.digest().hex());
  }

  private static List<String> tarSplit(Path layer) throws IOException {
    try (InputStream in =
        new GZIPInputStream(Files.newInputStream(layer.resolve("tar-split.json.gz")))) {
      return new String(in.readAllBytes(), UTF_8).lines().toList();
    }
  }

  private Layer commitOfAChange() throws IOException {
    Layer base = register(new TarBuilder().file("base", "1"), NO_PARENT);
    RWLayer rw = store.createRWLayer("rw", base.chainId());
    try (Mount mount = rw.mount()) {
      Files.writeString(mount.path().resolve("new"), "2");
      Files.createDirectory(mount.path().resolve("directory"));
      Files.delete(mount.path().resolve("base"));
    }
    return rw.commit();
  }

  /** Else the daemon starts with the store of containerd, or finds two drivers and refuses. */
  @Test
  void open_newRoot_hasOneDriverHomeAndThatIsNotEmpty() throws IOException {
    assertTrue(names(root.resolve("overlay2")).contains("l"));
    for (String other : List.of("vfs", "overlay", "aufs", "btrfs", "zfs", "fuse-overlayfs")) {
      assertFalse(Files.exists(root.resolve(other)), other);
    }
    assertEquals(Set.of("overlay2"), names(root.resolve("image")));
  }

  /** Exact archives are needed of every layer, also of those with a driver that could make them. */
  @Test
  void everyLayer_hasATarSplitWithoutAnEmptyEnd() throws IOException {
    Layer committed = commitOfAChange();
    for (Path layer : List.of(record(committed.parent().orElseThrow()), record(committed))) {
      List<String> lines = tarSplit(layer);
      assertTrue(lines.size() > 1, lines::toString);
      assertFalse(
          lines.get(lines.size() - 1).contains("\"payload\":\"\"")
              || lines.get(lines.size() - 1).contains("\"payload\":null"),
          lines::toString);
    }
  }

  @Test
  void everyLayer_hasNoFileThatIsOfWindowsOnly() throws IOException {
    Layer committed = commitOfAChange();
    assertEquals(
        Set.of("cache-id", "diff", "parent", "size", "tar-split.json.gz"),
        names(record(committed)));
    assertEquals(
        Set.of("cache-id", "diff", "size", "tar-split.json.gz"),
        names(record(committed.parent().orElseThrow())));
  }

  @Test
  void createRWLayer_initializerFails_leavesNoDirectoryAndNoName() throws IOException {
    Set<String> before = names(root.resolve("overlay2"));
    assertThrows(
        IOException.class,
        () ->
            store.createRWLayer(
                "rw",
                RWLayerOptions.builder()
                    .initializer(
                        path -> {
                          throw new IOException("no");
                        })
                    .build()));
    assertEquals(before, names(root.resolve("overlay2")));
    assertEquals(Set.of(), names(root.resolve("overlay2/l")));
  }

  @Test
  void commit_headers_haveNoTypeInTheModeAndNoNames() throws IOException {
    byte[] tar;
    try (InputStream in = commitOfAChange().tarStream()) {
      tar = in.readAllBytes();
    }
    int headers = 0;
    for (int at = 0; tar[at] != 0; at += 512) {
      String mode = new String(tar, at + 100, 8, ISO_8859_1);
      assertTrue(mode.matches("000[0-7]{4}\0"), mode);
      assertEquals("\0".repeat(64), new String(tar, at + 265, 64, ISO_8859_1));
      at += tar[at + 156] == '0' && tar[at + 134] != '0' ? 512 : 0;
      headers++;
    }
    assertEquals(3, headers);
  }

  @Test
  void register_nameAboveTheRoot_isRefused() {
    Refusals.assertRefused(
        Kind.BREAKOUT, () -> register(new TarBuilder().file("../x", ""), NO_PARENT));
  }

  @Test
  void register_rootEntry_doesNotCount() throws IOException {
    Layer layer =
        register(
            new TarBuilder().header(TarHeaderBlock.directory("./").mode(0700)).file("f", ""),
            NO_PARENT);
    assertEquals(
        040755, Files.getAttribute(Path.of(layer.metadata().get("UpperDir")), "unix:mode"));
  }

  /** 20.10 takes the directory's own, or the epoch where it has none. */
  @Test
  void register_accessTimes_areNotBeforeThoseOfTheChange() throws IOException {
    Layer layer =
        register(
            new TarBuilder()
                .pax("atime", "1500000000")
                .header(TarHeaderBlock.directory("early/"))
                .pax("atime", "1700000000")
                .header(TarHeaderBlock.directory("late/"))
                .directory("none/")
                .pax("atime", "1700000001")
                .file("file", ""),
            NO_PARENT);
    Path diff = Path.of(layer.metadata().get("UpperDir"));
    assertEquals(1_600_000_000, accessed(diff.resolve("early")));
    assertEquals(1_700_000_000, accessed(diff.resolve("late")));
    assertEquals(1_600_000_000, accessed(diff.resolve("none")));
    assertEquals(1_700_000_001, accessed(diff.resolve("file")));
  }

  private static long accessed(Path path) throws IOException {
    Instant time =
        Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
            .lastAccessTime()
            .toInstant();
    return time.getEpochSecond();
  }
}
