package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.DriverStatus;
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
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
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
import org.junit.jupiter.api.AfterEach;
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

  /** All files are the user's. */
  private LayerStore openOwn(Path root) throws LayerStoreException {
    return Overlay2Testing.ownStore(root).open();
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

  /** What an archive says of the owners of its entries. */
  private static Map<String, String> owners(InputStream tar) throws IOException {
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

  private static byte[] twoLevels() {
    return new TarBuilder()
        .header(TarHeaderBlock.named("etc/").type('5').mode(0755).uid(7).gid(8))
        .file(TarHeaderBlock.named("etc/shadow").uid(0).gid(42), "secret")
        .file(TarHeaderBlock.named("etc/far").uid(2_000_000).gid(2_000_001), "far")
        .file("etc/hosts", "hosts")
        .end()
        .toBytes();
  }

  @AfterEach
  void deleteWhatOtherIdsOwn() throws IOException {
    Overlay2Testing.deleteLayers(directory);
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
        String header = new String(diff, StandardCharsets.ISO_8859_1);
        assertTrue(header.contains("0001750\0" + "0001751\0"), "owner 1000:1001 in octal");
      }
    }
  }

  /** An ordinary user whom the system grants more ids than one, which are used by themselves. */
  @Nested
  class Granted {

    private Path grantedRoot() {
      assumeTrue(!Overlay2Testing.isRoot(), "root has every id");
      Overlay2Testing.mapping();
      return root();
    }

    private LayerStore openGranted(Path root) throws LayerStoreException {
      return open(root, IdMapping.IDENTITY);
    }

    private String ownersOf(LayerStore store) throws LayerStoreException {
      return store.driverStatus().facts().stream()
          .filter(fact -> fact.name().equals("Owners"))
          .map(DriverStatus.Fact::value)
          .findFirst()
          .orElseThrow();
    }

    private void run(RWLayer rw, String... command) throws IOException {
      try (Mount mount = rw.mount()) {
        Process process =
            mount.enter(new ProcessBuilder(command)).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), said);
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }

    @Test
    void register_noOption_givesFilesToSubordinateIdsAndExportsTheOriginals() throws IOException {
      Path root = grantedRoot();
      IdMapping granted = Overlay2Testing.mapping();
      byte[] archive = archive(1000, 65534);
      try (LayerStore store = openGranted(root)) {
        assertArrayEquals(archive, export(register(store, archive)));
      }
      assertEquals(granted.uidToHost(0).getAsLong(), id(stored(root, "root"), "unix:uid"));
      assertEquals(granted.uidToHost(1000).getAsLong(), id(stored(root, "other"), "unix:uid"));
      assertEquals(granted.gidToHost(65534).getAsLong(), id(stored(root, "other"), "unix:gid"));
    }

    @Test
    void register_ownerThatIsNotGranted_belongsToTheUserAndIsExportedAsItWas() throws IOException {
      Path root = grantedRoot();
      byte[] archive = archive(4_000_000, 7);
      try (LayerStore store = openGranted(root)) {
        assertArrayEquals(archive, export(register(store, archive)));
      }
      assertEquals(id(stored(root, "root"), "unix:uid"), id(stored(root, "other"), "unix:uid"));
    }

    @Test
    void driverStatus_everyChoice_saysWhoseFilesAre() throws IOException {
      Path root = grantedRoot();
      String first = Overlay2Testing.mapping().uids().get(1).toString();
      try (LayerStore store = openGranted(root)) {
        assertTrue(ownersOf(store).contains("subordinate ids: users 0:"), ownersOf(store));
        assertTrue(ownersOf(store).contains(first), ownersOf(store));
      }
      try (LayerStore store = openOwn(root)) {
        assertEquals(
            "all files are this user's, for the option overlay2.ids is own", ownersOf(store));
      }
    }

    @Test
    void open_subordinateIdsAreRequired_usesThem() throws IOException {
      Path root = grantedRoot();
      try (LayerStore store =
          LayerStore.builder(root)
              .driver("overlay2")
              .driverOption("overlay2.ids", "subordinate")
              .open()) {
        register(store, archive(1000, 1000));
      }
      assertNotEquals(id(stored(root, "root"), "unix:uid"), id(stored(root, "other"), "unix:uid"));
    }

    @Test
    void commit_fileThatACommandGivesAway_hasThatOwner() throws IOException {
      try (LayerStore store = openGranted(grantedRoot())) {
        Layer base = register(store, twoLevels());
        RWLayer rw = store.createRWLayer("rw", base.chainId());
        run(
            rw,
            "sh",
            "-ec",
            "echo new > etc/new; chown 33:34 etc/new; echo more >> etc/shadow; echo >> etc/far");
        Map<String, String> expected =
            Map.of(
                "etc/", "7:8",
                "etc/new", "33:34",
                "etc/shadow", "0:42",
                "etc/far", "2000000:2000001");
        assertEquals(expected, owners(rw.tarStream()));
        assertEquals(expected, owners(rw.commit().tarStream()));
      }
    }

    @Test
    void commit_nothingBelow_hasTheOwnersThatACommandSets() throws IOException {
      try (LayerStore store = openGranted(grantedRoot())) {
        RWLayer rw = store.createRWLayer("rw", NO_PARENT);
        rw.applyDiff(new ByteArrayInputStream(closed()));
        run(rw, "sh", "-ec", "chown 33:34 d/f; echo > new; chown 35 new");
        assertEquals(
            Map.of("d/", "7:8", "d/f", "33:34", "new", "35:0"), owners(rw.commit().tarStream()));
      }
    }

    /** With directories that only their owner may look into, and files that only it may read. */
    private byte[] closed() {
      return new TarBuilder()
          .header(TarHeaderBlock.named("d/").type('5').mode(0700).uid(7).gid(8))
          .file(TarHeaderBlock.named("d/f").mode(0600).uid(9).gid(10), "secret")
          .end()
          .toBytes();
    }

    @Test
    void enter_closedFilesOfOtherIds_areReachedByCommandsOnly() throws IOException {
      try (LayerStore store = openGranted(grantedRoot())) {
        RWLayer rw = store.createRWLayer("rw", register(store, closed()).chainId());
        try (Mount mount = rw.mount()) {
          assertThrows(
              AccessDeniedException.class, () -> Files.readString(mount.path().resolve("d/f")));
        }
        run(rw, "grep", "-q", "secret", "d/f");
      }
    }

    @Test
    void path_closedFilesInAStoreOfOwnIds_areReached() throws IOException {
      try (LayerStore store = openOwn(grantedRoot());
          Mount mount = register(store, closed()).mount()) {
        assertEquals("secret", Files.readString(mount.path().resolve("d/f")));
      }
    }

    private List<String> homeOf(LayerStore store) throws IOException {
      try (Stream<Path> left = Files.list(store.root().resolve("overlay2"))) {
        return left.map(path -> path.getFileName().toString()).toList();
      }
    }

    /** Does everything that can be done with the layers of {@code archive}, and removes them. */
    private void useUp(LayerStore store, byte[] archive) throws IOException {
      Layer base = store.get(store.layers().get(0).chainId());
      assertArrayEquals(archive, export(base));
      RWLayer rw = store.createRWLayer("rw", base.chainId());
      run(rw, "sh", "-ec", "grep -q secret d/f; echo changed > d/f; echo new > d/new");
      Map<String, String> expected = Map.of("d/", "7:8", "d/f", "9:10", "d/new", "0:0");
      assertEquals(expected, owners(rw.tarStream()));
      try (Stream<Change> changes = rw.changes()) {
        assertEquals(List.of("C /d", "C /d/f", "A /d/new"), changes.map(Object::toString).toList());
      }
      Layer committed = rw.commit();
      assertEquals(expected, owners(committed.tarStream()));
      store.releaseRWLayer(rw);
      store.release(committed);
      store.release(base);
      assertEquals(List.of(), store.layers());
      assertEquals(List.of("l"), homeOf(store));
    }

    @Test
    void open_ownIdsAfterSubordinateOnes_goesOnWorking() throws IOException {
      Path root = grantedRoot();
      try (LayerStore store = openGranted(root)) {
        register(store, closed());
      }
      try (LayerStore store = openOwn(root)) {
        useUp(store, closed());
      }
    }

    @Test
    void open_subordinateIdsAfterOwnOnes_goesOnWorking() throws IOException {
      Path root = grantedRoot();
      try (LayerStore store = openOwn(root)) {
        register(store, closed());
      }
      try (LayerStore store = openGranted(root)) {
        useUp(store, closed());
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
      try (LayerStore store = openOwn(root())) {
        Layer parent = register(store, archive(0, 0));
        Layer layer = store.register(new ByteArrayInputStream(device), parent.chainId());
        try (Mount mount = layer.mount()) {
          assertEquals("0", Files.readString(mount.path().resolve("root")));
          assertEquals("2", Files.readString(mount.path().resolve("beside")));
        }
        assertArrayEquals(device, export(layer));
      }
    }

    @Test
    void commit_changedFiles_keepTheOwnersThatTheLayersBelowRecord() throws IOException {
      assumeTrue(!Overlay2Testing.isRoot(), "root sets every owner");
      try (LayerStore store = openOwn(root())) {
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
      try (LayerStore store = openOwn(root())) {
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
      try (LayerStore store = openOwn(root)) {
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
