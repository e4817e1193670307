package io.layerstore.core.share;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.LayerStoreException;
import io.layerstore.StoreLockedException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Users of one root, in this process and in others. */
class PartyTest {

  private static final String DIRECTORY = "layerstore";

  @TempDir Path root;

  private final List<AutoCloseable> open = new ArrayList<>();

  private Party join() throws LayerStoreException {
    Party party = Party.join(root, DIRECTORY, false);
    party.opened();
    open.add(party);
    return party;
  }

  private PeerProcess peer() {
    PeerProcess peer = new PeerProcess(root);
    open.add(peer);
    return peer;
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable user : open) {
      user.close();
    }
  }

  @Test
  void mark_ofAnotherProcess_isSeen() throws Exception {
    Party party = join();
    peer().run("mark LAYER a");

    assertTrue(party.isMarkedElsewhere(Kind.LAYER, "a"));
    assertFalse(party.isMarkedElsewhere(Kind.LAYER, "b"));
  }

  @Test
  void mark_ofAProcessThatIsKilled_isGoneAtOnce() throws Exception {
    Party party = join();
    PeerProcess peer = peer();
    peer.run("mark LAYER a");

    peer.close();

    assertFalse(party.isMarkedElsewhere(Kind.LAYER, "a"));
  }

  @Test
  void mark_ofAProcessThatIsStopped_stays() throws Exception {
    Party party = join();
    PeerProcess peer = peer();
    peer.run("mark LAYER a");
    peer.signal("STOP");
    try {
      // Nobody accepts, so the queue of connections fills.
      for (int i = 0; i < 1000; i++) {
        assertTrue(party.isMarkedElsewhere(Kind.LAYER, "a"), "look " + i);
      }
    } finally {
      peer.signal("CONT");
    }
  }

  @Test
  void mark_whenItsProcessReadsEveryFileBelowTheRoot_stays() throws Exception {
    Party party = join();
    party.mark(Kind.LAYER, "a");
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.readAllBytes(file);
      }
    }

    try (Party other = Party.join(root, DIRECTORY, false)) {
      assertTrue(other.isMarkedElsewhere(Kind.LAYER, "a"));
    }
  }

  @Test
  void mark_manyOfOneStore_areAllSeenByAnother() throws Exception {
    Party party = join();
    Party other = join();
    List<Integer> marks = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      marks.add(party.mark(Kind.LAYER, "layer " + i));
    }
    for (int i = 0; i < 1000; i += 2) {
      party.clear(marks.get(i));
    }

    for (int i = 0; i < 1000; i++) {
      assertEquals(i % 2 == 1, other.isMarkedElsewhere(Kind.LAYER, "layer " + i), "layer " + i);
    }
  }

  @Test
  void lock_ofAnotherProcess_isWaitedFor() throws Exception {
    Party party = join();
    Path counter = Files.writeString(root.resolve("counter"), "0");
    List<PeerProcess> peers = List.of(peer(), peer(), peer());
    peers.forEach(peer -> peer.begin("count " + counter + " 400"));
    PeerProgram.count(party, counter.toString(), 400);
    peers.forEach(PeerProcess::awaitDone);

    assertEquals("1600", Files.readString(counter));
  }

  @Test
  void lock_ofAProcessThatIsKilled_isFree() throws Exception {
    Party party = join();
    PeerProcess peer = peer();
    peer.run("lock CHAIN a");
    peer.close();

    party.lock(Kind.CHAIN, "a").run();
    assertNull(party.holder(Kind.CHAIN, "a"));
  }

  @Test
  void lockInterruptibly_whenInterrupted_endsTheWait() throws Exception {
    Party party = join();
    peer().run("lock CHAIN a");
    Thread.currentThread().interrupt();

    assertThrows(InterruptedException.class, () -> party.lockInterruptibly(Kind.CHAIN, "a"));
    assertFalse(Thread.currentThread().isInterrupted());
  }

  @Test
  void holder_ofALock_isNamedWithItsProcess() throws Exception {
    Party party = join();
    PeerProcess peer = peer();
    peer.run("lock CHAIN a");

    assertEquals(peer.pid(), Objects.requireNonNull(party.holder(Kind.CHAIN, "a")).pid());
  }

  @Test
  void join_whileAnotherHasItExclusively_namesIt() throws Exception {
    PeerProcess peer = new PeerProcess(root, true);
    open.add(peer);

    StoreLockedException e =
        assertThrows(StoreLockedException.class, () -> Party.join(root, DIRECTORY, false));
    assertEquals(peer.pid(), e.holder().orElseThrow().pid());
  }

  @Test
  void join_exclusivelyBesideAnother_namesIt() throws Exception {
    PeerProcess peer = peer();

    StoreLockedException e =
        assertThrows(StoreLockedException.class, () -> Party.join(root, DIRECTORY, true));
    assertEquals(peer.pid(), e.holder().orElseThrow().pid());
  }

  @Test
  void join_afterAllWereKilled_isTheFirst() throws Exception {
    peer().close();

    Party party = join();
    assertTrue(party.isFirst());
    assertEquals(1, party.dead().size());
    party.forget(party.dead());
    assertEquals(List.of(), party.dead());
  }

  @Test
  void join_inARootWithALongPath_works() throws Exception {
    Path deep = Files.createDirectories(root.resolve("d".repeat(100)).resolve("e".repeat(100)));
    try (Party party = Party.join(deep, DIRECTORY, false);
        PeerProcess peer = start(party, deep)) {
      peer.run("mark LAYER a");
      assertTrue(party.isMarkedElsewhere(Kind.LAYER, "a"));
    }
  }

  private static PeerProcess start(Party party, Path root) {
    party.opened();
    return new PeerProcess(root);
  }

  @Test
  void requireInPlace_whenTheDirectoryWasDeleted_fails() throws Exception {
    Party party = join();
    deleteAll(root.resolve(DIRECTORY));

    assertThrows(LayerStoreException.class, party::requireInPlace);
  }

  @Test
  void requireInPlace_whenTheRootWasReplaced_fails() throws Exception {
    Path there = Files.createDirectory(root.resolve("there"));
    try (Party party = Party.join(there, DIRECTORY, false)) {
      party.requireInPlace();
      Files.move(there, root.resolve("elsewhere"));
      Files.createDirectory(there);

      assertThrows(LayerStoreException.class, party::requireInPlace);
    }
  }

  private static void deleteAll(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(file);
      }
    }
  }

  @Test
  void requireInPlace_whenALeaseWasCutOff_fails() throws Exception {
    Party party = join();
    try (Stream<Path> files = Files.list(root.resolve(DIRECTORY))) {
      for (Path file :
          files.filter(path -> !String.valueOf(path.getFileName()).contains(".")).toList()) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          channel.truncate(0);
        }
      }
    }

    assertThrows(LayerStoreException.class, party::requireInPlace);
    // Taking the marks back would touch the memory that is gone.
    open.remove(party);
  }

  @Test
  void mark_ofAProcessWhoseChildLivesOn_isGoneWithIt() throws Exception {
    Party party = join();
    PeerProcess peer = peer();
    peer.run("mark LAYER a");
    peer.run("child");
    ProcessHandle child =
        ProcessHandle.of(peer.pid()).orElseThrow().children().findFirst().orElseThrow();
    try {
      peer.close();

      assertTrue(child.isAlive());
      assertFalse(party.isMarkedElsewhere(Kind.LAYER, "a"));
    } finally {
      child.destroyForcibly();
    }
  }

  @Test
  void requireOneKernel_fileSystemsOfSeveralMachines_areRefused() throws Exception {
    for (String type : List.of("nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "virtiofs")) {
      assertThrows(IOException.class, () -> Party.requireOneKernel(type), type);
    }
    for (String type : List.of("fuse.sshfs", "fuse.glusterfs", "lustre", "afs")) {
      assertThrows(IOException.class, () -> Party.requireOneKernel(type), type);
    }
    for (String type : List.of("ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuse.fuse-overlayfs")) {
      Party.requireOneKernel(type);
    }
  }

  @Test
  void close_leavesNothingButTheBoard() throws Exception {
    Party party = Party.join(root, DIRECTORY, false);
    party.mark(Kind.LAYER, "a");
    party.close();

    try (Stream<Path> files = Files.list(root.resolve(DIRECTORY))) {
      assertEquals(List.of(root.resolve(DIRECTORY).resolve("board")), files.toList());
    }
  }
}
