package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.IdMapping;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RecoveryReport;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.Busybox;
import io.layerstore.testing.DataRoot;
import io.layerstore.testing.DockerDaemon;
import io.layerstore.testing.Image;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Sha256;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import io.layerstore.testing.Tool;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The data root of a dockerd with {@code --userns-remap}, written by the library with the same id
 * mapping: owners are shifted on the disk, and as they were in whatever is read back.
 */
final class RemappedDockerTest {

  private static final int IDS = 65536;

  /** A user whose subordinate ids containers get, and the first of them. */
  private record Remap(String user, long uid, long gid) {

    IdMapping mapping() {
      return new IdMapping(
          List.of(new IdMapping.Range(0, uid, IDS)), List.of(new IdMapping.Range(0, gid, IDS)));
    }
  }

  private ScratchDirectory scratch;
  private Remap remap;
  private DataRoot root;
  private final List<String> diffIds = new ArrayList<>();

  @BeforeEach
  void writeRoot() throws Exception {
    Machine.requireRoot();
    DockerDaemon.program();
    assumeTrue(
        Tool.require("unshare").attempt("--user", "true").status() == 0,
        "this kernel makes no user namespaces");
    remap = remap();
    scratch = ScratchDirectory.create();
    // The remapped root must come through to its files.
    Files.setPosixFilePermissions(scratch.path(), PosixFilePermissions.fromString("rwx--x--x"));
    root =
        new DataRoot(scratch.resolve("root").resolve(remap.uid() + "." + remap.gid()), "overlay2");
    Path busybox = scratch.resolve("busybox.tar");
    Busybox.writeRootTo(busybox);
    try (LayerStore store = open(root)) {
      ChainId chainId = register(store, busybox, null);
      chainId = register(store, write("owners", owners()), chainId);
      chainId = register(store, write("whiteouts", AppendixA.WH.bytes()), chainId);
      RWLayer work = store.createRWLayer("work", chainId);
      try (Mount mount = work.mount()) {
        Files.writeString(mount.path().resolve("owned/by-7"), "changed");
        Files.delete(mount.path().resolve("owned/gone"));
      }
      try (Layer layer = work.commit()) {
        diffIds.add(layer.diffId().toString());
      }
      store.releaseRWLayer(work);
    }
    root.addImage("ours", "1", Image.of(diffIds, List.of()));
  }

  @AfterEach
  void deleteAll() throws Exception {
    if (scratch != null) {
      scratch.close();
    }
  }

  /** One that has the same number of ranges, one, of users and of groups. */
  private static Remap remap() throws Exception {
    for (String line : lines("/etc/subuid")) {
      String[] users = line.split(":", -1);
      for (String other : lines("/etc/subgid")) {
        String[] groups = other.split(":", -1);
        if (groups[0].equals(users[0])
            && Long.parseLong(users[2]) >= IDS
            && Long.parseLong(groups[2]) >= IDS
            && Tool.require("id").attempt(users[0]).status() == 0) {
          return new Remap(users[0], Long.parseLong(users[1]), Long.parseLong(groups[1]));
        }
      }
    }
    assumeTrue(false, "no user has subordinate ids in /etc/subuid and /etc/subgid");
    throw new IllegalStateException();
  }

  private static List<String> lines(String file) throws Exception {
    Path path = Path.of(file);
    List<String> all = Files.exists(path) ? Files.readAllLines(path) : List.of();
    return all.stream()
        .filter(line -> line.matches("[^:#]+:\\d+:\\d+"))
        .filter(line -> all.stream().filter(o -> o.startsWith(user(line) + ":")).count() == 1)
        .toList();
  }

  private static String user(String line) {
    return line.substring(0, line.indexOf(':'));
  }

  private static byte[] owners() {
    return new TarBuilder()
        .header(TarHeaderBlock.directory("owned/").uid(7).gid(8))
        .file(TarHeaderBlock.named("owned/by-7").uid(7).gid(8), "7")
        .file(TarHeaderBlock.named("owned/by-last").uid(65535).gid(65535).mode(06755), "x")
        .file("owned/gone", "x")
        .header(TarHeaderBlock.symlink("owned/link", "by-7").uid(9).gid(10))
        .file("implied/parent", "x")
        .end()
        .toBytes();
  }

  private LayerStore open(DataRoot where) throws Exception {
    return LayerStore.builder(where.path()).driver("overlay2").idMapping(remap.mapping()).open();
  }

  private Path write(String name, byte[] bytes) throws Exception {
    return Files.write(scratch.resolve(name), bytes);
  }

  private ChainId register(LayerStore store, Path archive, ChainId parent) throws Exception {
    try (InputStream in = Files.newInputStream(archive);
        Layer layer = store.register(in, parent)) {
      diffIds.add(layer.diffId().toString());
      return layer.chainId();
    }
  }

  private DockerDaemon start() throws Exception {
    DockerDaemon daemon =
        DockerDaemon.start(
            scratch.resolve("root"),
            "overlay2",
            Map.of(),
            List.of("--userns-remap=" + remap.user()));
    assertEquals(List.of(), daemon.complaints());
    return daemon;
  }

  private List<String> digests(DockerDaemon daemon, String name) throws Exception {
    Path archive = scratch.resolve(name + ".tar");
    daemon.docker("save", "--output", archive, "ours:1");
    List<String> digests = new ArrayList<>();
    for (Path layer : Image.read(archive, scratch.resolve(name)).layers()) {
      digests.add(Sha256.of(layer));
    }
    return digests;
  }

  @Test
  void run_remappedRootOfOurs_hasTheOwnersInside() throws Exception {
    try (DockerDaemon daemon = start()) {
      assertEquals(
          List.of("7:8 owned", "7:8 owned/by-7", "65535:65535 owned/by-last", "0:0 implied"),
          daemon
              .docker(
                  "run",
                  "--network=none",
                  "ours:1",
                  "/bin/sh",
                  "-c",
                  "stat -c '%u:%g %n' owned owned/by-7 owned/by-last implied; test ! -e owned/gone")
              .lines());
      assertEquals(diffIds, digests(daemon, "saved"));
      daemon.stop();
    }
    try (LayerStore store = open(root)) {
      assertEquals(RecoveryReport.CLEAN, store.recoveryReport());
      assertEquals(1, store.rwLayers().size());
    }
  }

  @Test
  void files_remapped_areThoseThatDockerMakes() throws Exception {
    DataRoot theirs =
        new DataRoot(
            scratch.resolve("theirs").resolve(remap.uid() + "." + remap.gid()), "overlay2");
    Path archive;
    try (DockerDaemon daemon = start()) {
      archive = scratch.resolve("image.tar");
      daemon.docker("save", "--output", archive, "ours:1");
      daemon.stop();
    }
    try (DockerDaemon daemon =
        DockerDaemon.start(
            scratch.resolve("theirs"),
            "overlay2",
            Map.of(),
            List.of("--userns-remap=" + remap.user()))) {
      daemon.docker("load", "--input", archive);
      daemon.stop();
    }
    assertEquals(theirs.chainIds(), root.chainIds());
    assertEquals(owners(theirs.driverHome()), owners(root.driverHome()));
    for (String chainId : theirs.chainIds()) {
      Path expected = theirs.driverHome().resolve(theirs.cacheId(chainId));
      Path actual = root.driverHome().resolve(root.cacheId(chainId));
      List<String> entries = new ArrayList<>(owners(expected));
      // In a directory that is new nothing can be below: the kernel would show the device.
      entries.removeIf(line -> line.startsWith("diff/d/gone2 c "));
      assertTrue(entries.size() > 2, entries::toString);
      assertEquals(entries, owners(actual), chainId);
    }
  }

  /** Names, types, modes and owners, but for names that are random, and what a mount leaves. */
  private static List<String> owners(Path directory) throws Exception {
    return Tool.require("bash")
        .in(directory)
        .run(
            "-c",
            "find . -regextype egrep -regex '.*/([0-9a-f]{64}|[A-Z2-7]{26})(/.*)?' -prune -o -path ./work/work -prune -o -printf '%P %y %m %U:%G\\n' | sort")
        .lines();
  }
}
