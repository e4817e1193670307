package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.IdMapping;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who owns the files of a layer: on the disk, in a mount, and in what is exported. */
final class OwnersTest {

  private static final @Nullable ChainId NO_PARENT = null;

  @TempDir Path directory;

  private Path root() {
    Overlay2Testing.assumeSupported(directory);
    return directory.resolve("store");
  }

  private LayerStore open(Path root, IdMapping mapping) throws LayerStoreException {
    return LayerStore.builder(root).driver("overlay2").idMapping(mapping).open();
  }

  private static byte[] archive(long uid, long gid) {
    return new TarBuilder()
        .file("root", "0")
        .file(TarHeaderBlock.named("other").uid(uid).gid(gid), "1")
        .end()
        .toBytes();
  }

  private static Layer register(LayerStore store, byte[] archive) throws LayerStoreException {
    return store.register(new ByteArrayInputStream(archive), NO_PARENT);
  }

  private static byte[] export(Layer layer) throws IOException {
    try (InputStream tar = layer.tarStream()) {
      return tar.readAllBytes();
    }
  }

  /** The file on the disk, whatever the layer's directory is called. */
  private static Path stored(Path root, String name) throws IOException {
    try (Stream<Path> layers = Files.list(root.resolve("overlay2"))) {
      return layers
          .map(layer -> layer.resolve("diff").resolve(name))
          .filter(file -> Files.exists(file, LinkOption.NOFOLLOW_LINKS))
          .findFirst()
          .orElseThrow();
    }
  }

  private static long id(Path path, String attribute) throws IOException {
    return Integer.toUnsignedLong(
        (Integer) Files.getAttribute(path, attribute, LinkOption.NOFOLLOW_LINKS));
  }

  @Nested
  class Mapped {

    @Test
    void register_mapped_shiftsOnDiskAndExportsTheOriginals() throws IOException {
      Path root = root();
      IdMapping mapping = Overlay2Testing.mapping();
      byte[] archive = archive(1000, 65534);
      try (LayerStore store = open(root, mapping)) {
        Layer layer = register(store, archive);
        assertArrayEquals(archive, export(layer));
      }
      assertEquals(mapping.uidToHost(0).getAsLong(), id(stored(root, "root"), "unix:uid"));
      assertEquals(mapping.uidToHost(1000).getAsLong(), id(stored(root, "other"), "unix:uid"));
      assertEquals(mapping.gidToHost(65534).getAsLong(), id(stored(root, "other"), "unix:gid"));
    }

    @Test
    void register_ownerOutsideTheMapAsRoot_isRefusedByNameAndLeavesNothing() throws IOException {
      assumeTrue(Overlay2Testing.isRoot(), "an ordinary user is warned");
      try (LayerStore store = open(root(), Overlay2Testing.mapping())) {
        LayerStoreException e =
            assertThrows(LayerStoreException.class, () -> register(store, archive(2_000_000, 0)));
        assertTrue(e.getMessage().contains("/other: container user 2000000"), e::getMessage);
        assertTrue(e.getMessage().contains("100000"), e::getMessage); // the mapping
        assertEquals(List.of(), store.layers());
        try (Stream<Path> left = Files.list(directory.resolve("store/overlay2"))) {
          assertEquals(List.of("l"), left.map(path -> path.getFileName().toString()).toList());
        }
        try (Stream<Path> left = Files.list(directory.resolve("store/overlay2/l"))) {
          assertEquals(0, left.count());
        }
        register(store, archive(1, 1));
      }
    }

    @Test
    void register_groupOutsideTheMapAsRoot_isRefusedByName() throws IOException {
      assumeTrue(Overlay2Testing.isRoot(), "an ordinary user is warned");
      try (LayerStore store = open(root(), Overlay2Testing.mapping())) {
        LayerStoreException e =
            assertThrows(LayerStoreException.class, () -> register(store, archive(0, 65_536)));
        assertTrue(e.getMessage().contains("container group 65536"), e::getMessage);
      }
    }

    @Test
    void commit_deletionInAMount_isPartOfItThoughItBelongsToTheHostsRoot() throws IOException {
      try (LayerStore store = open(root(), Overlay2Testing.mapping())) {
        Layer base = register(store, archive(1000, 1001));
        RWLayer rw = store.createRWLayer("rw", base.chainId());
        try (Mount mount = rw.mount()) {
          Files.delete(mount.path().resolve("other"));
        }
        try (Stream<Change> changes = rw.changes()) {
          assertEquals(List.of("D /other"), changes.map(Object::toString).toList());
        }
        Layer committed = rw.commit();
        try (Mount mount = committed.mount()) {
          assertTrue(Files.notExists(mount.path().resolve("other")));
          assertTrue(Files.exists(mount.path().resolve("root")));
        }
      }
    }

    @Test
    void changes_filesOfAHostsUserOutsideTheMap_areListed() throws IOException {
      assumeTrue(Overlay2Testing.isRoot(), "an ordinary user writes with the user's own id");
      Path root = root();
      try (LayerStore store = open(root, Overlay2Testing.mapping())) {
        Layer base = register(store, archive(1000, 1001));
        RWLayer rw = store.createRWLayer("rw", base.chainId());
        try (Mount mount = rw.mount()) {
          Files.writeString(mount.path().resolve("made"), "by root of the host");
          Files.setAttribute(mount.path().resolve("other"), "unix:uid", 42);
        }
        try (Stream<Change> changes = rw.changes()) {
          assertEquals(List.of("A /made", "C /other"), changes.map(Object::toString).toList());
        }
        assertThrows(LayerStoreException.class, rw::commit);
      }
    }

    @Test
    void tarStream_fileOfAHostsUserOutsideTheMap_isRefusedByName() throws IOException {
      assumeTrue(Overlay2Testing.isRoot(), "needs root, to give a file away");
      Path root = root();
      try (LayerStore store = open(root, Overlay2Testing.mapping())) {
        RWLayer rw = store.createRWLayer("rw", NO_PARENT);
        rw.applyDiff(new ByteArrayInputStream(archive(1000, 1001)));
        Files.setAttribute(stored(root, "other"), "unix:uid", 42);
        LayerStoreException e =
            assertThrows(LayerStoreException.class, () -> rw.tarStream().readAllBytes());
        assertTrue(e.getMessage().contains("/other belongs to the host's user 42"), e::getMessage);
      }
    }

    @Test
    void register_ownerOutsideTheMapAsUser_belongsToTheUserAndIsExportedAsItWas()
        throws IOException {
      assumeTrue(!Overlay2Testing.isRoot(), "root is refused");
      Path root = root();
      byte[] archive = archive(2_000_000, 0);
      try (LayerStore store = open(root, Overlay2Testing.mapping())) {
        assertArrayEquals(archive, export(register(store, archive)));
      }
      assertEquals(id(stored(root, "root"), "unix:uid"), id(stored(root, "other"), "unix:uid"));
    }

    @Test
    void commit_mapped_hasTheOwnersInside() throws IOException {
      Path root = root();
      byte[] archive = archive(1000, 1001);
      try (LayerStore store = open(root, Overlay2Testing.mapping())) {
        RWLayer rw = store.createRWLayer("rw", NO_PARENT);
        rw.applyDiff(new ByteArrayInputStream(archive));
        byte[] diff;
        try (InputStream tar = rw.tarStream()) {
          diff = tar.readAllBytes();
        }
        String header = new String(diff, java.nio.charset.StandardCharsets.ISO_8859_1);
        assertTrue(header.contains("0001750\0" + "0001751\0"), "owner 1000:1001 in octal");
      }
    }
  }

  @Nested
  class OneUser {

    @Test
    void register_deviceOverAFileOfTheParent_leavesThatInSightAndIsExportedAsItWas()
        throws IOException {
      assumeTrue(!Overlay2Testing.isRoot(), "root makes devices");
      byte[] device =
          new TarBuilder()
              .header(TarHeaderBlock.named("root").type('3').device(1, 3))
              .file("beside", "2")
              .end()
              .toBytes();
      try (LayerStore store = open(root(), IdMapping.IDENTITY)) {
        Layer parent = register(store, archive(0, 0));
        Layer layer = store.register(new ByteArrayInputStream(device), parent.chainId());
        try (Mount mount = layer.mount()) {
          assertEquals("0", Files.readString(mount.path().resolve("root")));
          assertEquals("2", Files.readString(mount.path().resolve("beside")));
        }
        assertArrayEquals(device, export(layer));
      }
    }

    /** What an archive says of the owners of its entries. */
    private Map<String, String> owners(InputStream tar) throws IOException {
      Map<String, String> owners = new TreeMap<>();
      try (TarArchiveInputStream archive = new TarArchiveInputStream(tar)) {
        for (TarArchiveEntry entry = archive.getNextEntry();
            entry != null;
            entry = archive.getNextEntry()) {
          owners.put(entry.getName(), entry.getLongUserId() + ":" + entry.getLongGroupId());
        }
      }
      return owners;
    }

    private byte[] twoLevels() {
      return new TarBuilder()
          .header(TarHeaderBlock.named("etc/").type('5').mode(0755).uid(7).gid(8))
          .file(TarHeaderBlock.named("etc/shadow").uid(0).gid(42), "secret")
          .file(TarHeaderBlock.named("etc/far").uid(2_000_000).gid(2_000_001), "far")
          .file("etc/hosts", "hosts")
          .end()
          .toBytes();
    }

    @Test
    void commit_changedFiles_keepTheOwnersThatTheLayersBelowRecord() throws IOException {
      assumeTrue(!Overlay2Testing.isRoot(), "root sets every owner");
      try (LayerStore store = open(root(), IdMapping.IDENTITY)) {
        Layer base = register(store, twoLevels());
        RWLayer rw = store.createRWLayer("rw", base.chainId());
        try (Mount mount = rw.mount()) {
          for (String name : List.of("shadow", "far", "hosts", "new")) {
            Files.writeString(mount.path().resolve("etc").resolve(name), "changed");
          }
        }
        Map<String, String> expected =
            Map.of(
                "etc/", "7:8",
                "etc/shadow", "0:42",
                "etc/far", "2000000:2000001",
                "etc/hosts", "0:0",
                "etc/new", "0:0");
        assertEquals(expected, owners(rw.tarStream()));
        Layer committed = rw.commit();
        assertEquals(expected, owners(committed.tarStream()));
        assertEquals(expected, owners(committed.tarStreamFrom(base.chainId())));
      }
    }

    @Test
    void commit_deletedAndMadeAgainByALaterLayer_isRoots() throws IOException {
      assumeTrue(!Overlay2Testing.isRoot(), "root sets every owner");
      byte[] deletion = new TarBuilder().file("etc/.wh.far", "").end().toBytes();
      try (LayerStore store = open(root(), IdMapping.IDENTITY)) {
        Layer base = register(store, twoLevels());
        Layer without = store.register(new ByteArrayInputStream(deletion), base.chainId());
        RWLayer rw = store.createRWLayer("rw", without.chainId());
        try (Mount mount = rw.mount()) {
          Files.writeString(mount.path().resolve("etc/far"), "new");
        }
        assertEquals("0:0", owners(rw.tarStream()).get("etc/far"));
      }
    }

    @Test
    void register_anyOwner_belongsToTheUserAndIsExportedAsItWas() throws IOException {
      assumeTrue(!Overlay2Testing.isRoot(), "root keeps every owner");
      Path root = root();
      byte[] archive = archive(1000, 4_000_000);
      try (LayerStore store = open(root, IdMapping.IDENTITY)) {
        Layer layer = register(store, archive);
        assertArrayEquals(archive, export(layer));
        RWLayer rw = store.createRWLayer("rw", layer.chainId());
        try (Mount mount = rw.mount()) {
          Path other = mount.path().resolve("other");
          assertEquals("1", Files.readString(other));
          Files.writeString(other, "changed");
        }
      }
      Path own = Files.createFile(directory.resolve("own"));
      assertEquals(id(own, "unix:uid"), id(stored(root, "other"), "unix:uid"));
    }
  }
}
