package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import io.layerstore.testing.Tool;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives unpacked where something of the surroundings could show in the layer. */
final class UnpackTest {

  private static final @Nullable ChainId NO_PARENT = null;

  @TempDir Path directory;

  private LayerStore open() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    return LayerStore.builder(directory.resolve("store"))
        .driver("overlay2")
        .durability(Durability.NONE)
        .open();
  }

  private static Layer register(LayerStore store, byte[] archive) throws IOException {
    return store.register(new ByteArrayInputStream(archive), NO_PARENT);
  }

  private static void assertExported(byte[] archive, Layer layer) throws IOException {
    try (InputStream tar = layer.tarStream()) {
      assertArrayEquals(archive, tar.readAllBytes());
    }
  }

  /** Makes layers, and prints the modes of what Docker gives modes to. */
  static final class Modes {
    public static void main(String[] arguments) throws IOException {
      Path root = Path.of(arguments[0]);
      try (LayerStore store = LayerStore.builder(root).driver("overlay2").open()) {
        Layer layer =
            register(
                store,
                new TarBuilder().directory("etc/dnf/").file("etc/dnf/x", "1").end().toBytes());
        Path work = Path.of(store.createRWLayer("rw", layer.chainId()).metadata().get("WorkDir"));
        Path diff = Path.of(layer.metadata().get("UpperDir"));
        Path home = root.resolve("overlay2");
        for (Path path :
            List.of(
                diff.resolve("etc"),
                diff.resolve("etc/dnf"),
                diff.resolve("etc/dnf/x"),
                diff,
                diff.resolveSibling("link"),
                diff.resolveSibling("committed"),
                diff.getParent(),
                work,
                work.resolveSibling("lower"),
                home,
                home.resolve("l"))) {
          int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
          System.out.print(Integer.toOctalString(mode & 07777) + " ");
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"000", "027", "077"})
  void register_anyUmask_modesAreThoseOfDocker(String umask) throws Exception {
    Overlay2Testing.assumeSupported(directory);
    assertEquals(
        "755 755 644 755 644 600 710 700 644 710 700",
        ChildJvm.runUnder(
                Tool.require("sh"),
                List.of("-c", "umask " + umask + "; exec \"$0\" \"$@\""),
                Modes.class,
                directory.resolve("store"))
            .text());
  }

  @Test
  void register_attributeThatOnlyRootMaySet_isLeftOutWithoutFailureAndExported()
      throws IOException {
    assumeTrue(!Overlay2Testing.isRoot(), "root may set it");
    byte[] archive =
        new TarBuilder()
            .pax("SCHILY.xattr.trusted.secret", "x", "SCHILY.xattr.user.plain", "y")
            .file("f", "content")
            .end()
            .toBytes();
    try (LayerStore store = open()) {
      Layer layer = register(store, archive);
      assertExported(archive, layer);
      Path file = Path.of(layer.metadata().get("UpperDir")).resolve("f");
      assertEquals(List.of("plain"), attributes(file));
    }
  }

  @Test
  void register_directoryImpliedInSetGroupIdDirectory_isOfRootAndSetGroupId() throws IOException {
    assumeTrue(Overlay2Testing.isRoot(), "files have their own groups for root only");
    byte[] archive =
        new TarBuilder()
            .header(TarHeaderBlock.directory("d/").mode(02775).gid(50))
            .file("d/implied/f", "x")
            .end()
            .toBytes();
    try (LayerStore store = open()) {
      Path implied =
          Path.of(register(store, archive).metadata().get("UpperDir")).resolve("d/implied");
      assertEquals(0, Files.getAttribute(implied, "unix:gid"));
      assertEquals(02755, (int) Files.getAttribute(implied, "unix:mode") & 07777);
    }
  }

  @Test
  void register_emptyCapability_leavesAFileThatCanBeChangedAndIsExported() throws IOException {
    byte[] archive =
        new TarBuilder()
            .pax("SCHILY.xattr.security.capability", "")
            .file("f", "content")
            .end()
            .toBytes();
    try (LayerStore store = open()) {
      Layer layer = register(store, archive);
      assertExported(archive, layer);
      RWLayer work = store.createRWLayer("work", layer.chainId());
      try (Mount mount = work.mount()) {
        Files.writeString(mount.path().resolve("f"), "changed");
      }
      try (Stream<Change> changes = work.changes()) {
        assertEquals(1, changes.count());
      }
      store.releaseRWLayer(work);
    }
  }

  private static List<String> attributes(Path file) throws IOException {
    return Files.getFileAttributeView(
            file, java.nio.file.attribute.UserDefinedFileAttributeView.class)
        .list();
  }

  /** Every attribute by which overlay could be told something, under both names it goes by. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "opaque",
        "redirect",
        "metacopy",
        "whiteout",
        "whiteouts",
        "origin",
        "overlay.opaque"
      })
  void register_attributesOfOverlay_haveNoEffectAndAreExported(String name) throws IOException {
    TarBuilder tar = new TarBuilder();
    byte[] base =
        new TarBuilder()
            .directory("d/")
            .file("d/lower", "1")
            .directory("secret/")
            .file("secret/key", "2")
            .file("f", "3")
            .end()
            .toBytes();
    for (String prefix : List.of("trusted.overlay.", "user.overlay.")) {
      String key = "SCHILY.xattr." + prefix + name;
      String value = name.equals("redirect") ? "/secret" : "y";
      String at = prefix.substring(0, 1);
      tar.pax(key, value).header(TarHeaderBlock.directory("d/"));
      tar.pax(key, value).file(at + "-file", "own content");
      tar.pax(key, value).header(TarHeaderBlock.directory(at + "-directory/"));
    }
    byte[] archive = tar.end().toBytes();
    try (LayerStore store = open()) {
      Layer below = register(store, base);
      Layer layer = store.register(new ByteArrayInputStream(archive), below.chainId());
      assertExported(archive, layer);
      try (Mount mount = layer.mount()) {
        Path merged = mount.path();
        assertEquals("1", Files.readString(merged.resolve("d/lower")));
        assertEquals("3", Files.readString(merged.resolve("f")));
        for (String at : List.of("t", "u")) {
          assertEquals("own content", Files.readString(merged.resolve(at + "-file")));
          assertTrue(Files.notExists(merged.resolve(at + "-directory/key")));
        }
      }
    }
  }
}
