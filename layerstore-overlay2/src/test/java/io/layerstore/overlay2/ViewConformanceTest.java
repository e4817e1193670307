package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.Durability;
import io.layerstore.ImageSource;
import io.layerstore.Layer;
import io.layerstore.LayerEntryAttributes;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.RegisterOptions;
import io.layerstore.ViewOptions;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.DebianRoot;
import io.layerstore.testing.Heavy;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.RandomLayers;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import io.layerstore.testing.Tool;
import io.layerstore.testing.ViewListing;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Layers shown as a file system are what the kernel shows when they are mounted, and the same from
 * a store of either driver, in memory, and from an archive.
 */
final class ViewConformanceTest {

  private static final int SHORT_RUN = 40;
  private static final int LONG_RUN = 500;

  @TempDir Path directory;
  private LayerStore overlay;
  private LayerStore vfs;
  private Path memory;
  private int mounted;

  @BeforeEach
  void openStores() throws IOException {
    assumeTrue(Overlay2Testing.isRoot(), "an ordinary user's mounts have other owners");
    Overlay2Testing.assumeSupported(directory);
    memory = Jimfs.newFileSystem(Configuration.unix()).getPath("/");
    overlay = open("overlay2", directory.resolve("overlay2"));
    vfs = open("vfs", memory.resolve("vfs"));
  }

  private static LayerStore open(String driver, Path root) throws LayerStoreException {
    return LayerStore.builder(root).driver(driver).durability(Durability.NONE).open();
  }

  @AfterEach
  void closeStores() throws IOException {
    if (overlay != null) {
      overlay.close();
      vfs.close();
    }
  }

  /** The layers registered, or null if the driver refuses one. */
  private static @Nullable Layer register(LayerStore store, List<byte[]> layers)
      throws LayerStoreException {
    Layer top = null;
    for (byte[] layer : layers) {
      try {
        Layer next =
            store.register(
                LayerSource.of(layer), RegisterOptions.onTopOf(top == null ? null : top.chainId()));
        if (top != null) {
          top.close();
        }
        top = next;
      } catch (LayerStoreException e) {
        if (top != null) {
          top.close();
        }
        return null;
      }
    }
    return top;
  }

  private static SortedMap<String, String> shown(Layer layer) throws IOException {
    try (FileSystem files = layer.fileSystem()) {
      return ViewListing.of(files.getPath("/"));
    }
  }

  private SortedMap<String, String> shownFromArchive(List<byte[]> layers) throws IOException {
    SampleImage image = SampleImage.of(layers.toArray(byte[][]::new));
    ViewOptions options = ViewOptions.builder().temporaryDirectory(memory.resolve("spool")).build();
    try (FileSystem files =
        ImageSource.of(ImageFiles.docker(image, "a:1").toStream()).fileSystem(options)) {
      return ViewListing.of(files.getPath("/"));
    }
  }

  private static SortedMap<String, String> mounted(Layer layer) throws IOException {
    try (Mount mount = layer.mount()) {
      return ViewListing.of(mount.path());
    }
  }

  private void check(String title, List<byte[]> layers) throws IOException {
    Layer onOverlay = register(overlay, layers);
    Layer onVfs = register(vfs, layers);
    try (onOverlay;
        onVfs) {
      if (onOverlay == null && onVfs == null) {
        return;
      }
      SortedMap<String, String> fromArchive = shownFromArchive(layers);
      if (onOverlay != null) {
        SortedMap<String, String> fromOverlay = shown(onOverlay);
        ViewListing.assertSame(mounted(onOverlay), fromOverlay, title + ": as mounted");
        assertEquals(fromArchive, fromOverlay, title + ": overlay2 and archive");
        mounted++;
      }
      if (onVfs != null) {
        assertEquals(fromArchive, shown(onVfs), title + ": vfs and archive");
      }
    }
  }

  private void checkStacks(int first, int count) throws IOException {
    for (int seed = first; seed < first + count; seed++) {
      check("seed " + seed, RandomLayers.of(seed));
    }
    assertTrue(mounted > count / 2, mounted + " of " + count + " stacks were registered");
  }

  @Test
  void view_ofRandomLayers_isAsMounted() throws IOException {
    checkStacks(0, SHORT_RUN);
  }

  @Heavy
  @Test
  void view_of500RandomStacks_isAsMounted() throws IOException {
    checkStacks(1000, LONG_RUN);
  }

  @ParameterizedTest
  @EnumSource(AppendixA.class)
  void view_ofOddArchive_isAsMounted(AppendixA archive) throws IOException {
    check(archive.name(), List.of(AppendixA.TWO_BASE.bytes(), archive.bytes()));
    check(archive.name(), List.of(archive.bytes()));
  }

  @Test
  void view_ofFortyLayers_isAsMounted() throws IOException {
    List<byte[]> layers = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      layers.add(
          new TarBuilder()
              .file("f" + i, "" + i)
              .file("d/" + i % 7, "" + i)
              .file("d/.wh." + i % 5, "")
              .file((i % 6 == 5 ? "d/e/" : "d/g/") + ".wh..wh..opq", "")
              .file("d/e/" + i, "" + i)
              .end()
              .toBytes());
    }
    check("forty layers", layers);
    assertEquals(1, mounted);
  }

  @Test
  void view_ofDebian_isAsMounted() throws Exception {
    Path archive = DebianRoot.archive();
    byte[] change =
        new TarBuilder()
            .file("etc/.wh.hostname", "")
            .file("usr/share/.wh..wh..opq", "")
            .file("usr/share/new", "new")
            .file("opt/added/file", "added")
            .end()
            .toBytes();
    try (Layer base = overlay.register(archive);
        Layer top =
            overlay.register(LayerSource.of(change), RegisterOptions.onTopOf(base.chainId()))) {
      for (Layer layer : List.of(base, top)) {
        ViewListing.assertSame(mounted(layer), shown(layer), "Debian");
        assertEquals(mountedXattrs(layer), shownXattrs(layer));
      }
    }
  }

  @Test
  void extendedAttributes_areAsMounted() throws Exception {
    byte[] layer =
        new TarBuilder()
            .pax("SCHILY.xattr.user.a", "1", "SCHILY.xattr.trusted.t", "2")
            .file("file", "x")
            .paxRecords(
                TarBuilder.record(
                    "SCHILY.xattr.security.capability",
                    new byte[] {1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))
            .file("ping", "x")
            .header(TarHeaderBlock.hardLink("other", "ping").uid(5))
            .pax("SCHILY.xattr.user.d", "dir")
            .directory("dir/")
            .directory("dir/")
            .end()
            .toBytes();
    try (Layer top = overlay.register(LayerSource.of(layer), RegisterOptions.DEFAULT)) {
      SortedMap<String, String> shown = shownXattrs(top);
      assertEquals(mountedXattrs(top), shown);
      assertEquals(2, shown.size(), shown.toString());
    }
  }

  private static SortedMap<String, String> shownXattrs(Layer layer) throws IOException {
    SortedMap<String, String> all = new TreeMap<>();
    try (FileSystem files = layer.fileSystem();
        Stream<Path> walk = Files.walk(files.getPath("/"))) {
      for (Path path : walk.toList()) {
        LayerEntryAttributes attributes =
            Files.readAttributes(
                path, LayerEntryAttributes.class, java.nio.file.LinkOption.NOFOLLOW_LINKS);
        SortedMap<String, String> values = new TreeMap<>();
        attributes
            .extendedAttributes()
            .forEach((name, value) -> values.put(name.toString(), hex(value.toByteArray())));
        if (!values.isEmpty()) {
          all.put(path.toString().substring(1), values.toString());
        }
      }
    }
    return all;
  }

  private static String hex(byte[] value) {
    return "0x" + java.util.HexFormat.of().formatHex(value);
  }

  private static SortedMap<String, String> mountedXattrs(Layer layer)
      throws IOException, InterruptedException {
    SortedMap<String, String> all = new TreeMap<>();
    try (Mount mount = layer.mount()) {
      String root = mount.path() + "/";
      String output =
          Tool.require("getfattr")
              .run("-R", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", mount.path())
              .out();
      for (String block : output.split("\n\n", -1)) {
        SortedMap<String, String> values = new TreeMap<>();
        String file = "";
        for (String line : block.split("\n", -1)) {
          if (line.startsWith("# file: ")) {
            file = line.substring("# file: ".length());
          } else if (line.contains("=")) {
            values.put(line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1));
          }
        }
        if (file.startsWith(root)) {
          all.put(file.substring(root.length()), values.toString());
        }
      }
    }
    return all;
  }
}
