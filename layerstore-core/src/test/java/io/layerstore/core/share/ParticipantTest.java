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
class ParticipantTest {

  private static final String DIRECTORY = "layerstore";

  @TempDir Path root;

  private final List<AutoCloseable> open = new ArrayList<>();

  private Participant join() throws LayerStoreException {
    Participant participant = Participant.join(root, DIRECTORY, false);
    participant.opened();
    open.add(participant);
    return participant;
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
  void claim_ofAnotherProcess_isSeen() throws Exception {
    Participant participant = join();
    peer().run("claim LAYER a");

    assertTrue(participant.isClaimedElsewhere(ClaimKind.LAYER, "a"));
    assertFalse(participant.isClaimedElsewhere(ClaimKind.LAYER, "b"));
  }

  @Test
  void claim_ofAProcessThatIsKilled_isGoneAtOnce() throws Exception {
    Participant participant = join();
    PeerProcess peer = peer();
    peer.run("claim LAYER a");

    peer.close();

    assertFalse(participant.isClaimedElsewhere(ClaimKind.LAYER, "a"));
  }

  @Test
  void claim_ofAProcessThatIsStopped_stays() throws Exception {
    Participant participant = join();
    PeerProcess peer = peer();
    peer.run("claim LAYER a");
    peer.signal("STOP");
    try {
      // Nobody accepts, so the queue of connections fills.
      for (int i = 0; i < 1000; i++) {
        assertTrue(participant.isClaimedElsewhere(ClaimKind.LAYER, "a"), "look " + i);
      }
    } finally {
      peer.signal("CONT");
    }
  }

  @Test
  void claim_whenItsProcessReadsEveryFileBelowTheRoot_stays() throws Exception {
    Participant participant = join();
    participant.claim(ClaimKind.LAYER, "a");
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.readAllBytes(file);
      }
    }

    try (Participant other = Participant.join(root, DIRECTORY, false)) {
      assertTrue(other.isClaimedElsewhere(ClaimKind.LAYER, "a"));
    }
  }

  @Test
  void claim_manyOfOneStore_areAllSeenByAnother() throws Exception {
    Participant participant = join();
    Participant other = join();
    List<Integer> claims = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      claims.add(participant.claim(ClaimKind.LAYER, "layer " + i));
    }
    for (int i = 0; i < 1000; i += 2) {
      participant.clear(claims.get(i));
    }

    for (int i = 0; i < 1000; i++) {
      assertEquals(
          i % 2 == 1, other.isClaimedElsewhere(ClaimKind.LAYER, "layer " + i), "layer " + i);
    }
  }

  @Test
  void lock_ofAnotherProcess_isWaitedFor() throws Exception {
    Participant participant = join();
    Path counter = Files.writeString(root.resolve("counter"), "0");
    List<PeerProcess> peers = List.of(peer(), peer(), peer());
    peers.forEach(peer -> peer.begin("count " + counter + " 400"));
    PeerProgram.count(participant, counter.toString(), 400);
    peers.forEach(PeerProcess::awaitDone);

    assertEquals("1600", Files.readString(counter));
  }

  @Test
  void lock_ofAProcessThatIsKilled_isFree() throws Exception {
    Participant participant = join();
    PeerProcess peer = peer();
    peer.run("lock CHAIN a");
    peer.close();

    participant.lock(ClaimKind.CHAIN, "a").run();
    assertNull(participant.holder(ClaimKind.CHAIN, "a"));
  }

  @Test
  void lockInterruptibly_whenInterrupted_endsTheWait() throws Exception {
    Participant participant = join();
    peer().run("lock CHAIN a");
    Thread.currentThread().interrupt();

    assertThrows(
        InterruptedException.class,
        () -> participant.lockInterruptibly(ClaimKind.CHAIN, "a", user -> {}));
    assertFalse(Thread.currentThread().isInterrupted());
  }

  @Test
  void lockInterruptibly_heldByAnotherProcess_saysWhoHasIt() throws Exception {
    Participant participant = join();
    PeerProcess peer = peer();
    peer.run("lock CHAIN a");
    List<Long> told = new ArrayList<>();

    participant
        .lockInterruptibly(
            ClaimKind.CHAIN,
            "a",
            user -> {
              told.add(user.pid());
              peer.run("unlock");
            })
        .run();
    assertEquals(List.of(peer.pid()), told);
  }

  @Test
  void holder_ofALock_isNamedWithItsProcess() throws Exception {
    Participant participant = join();
    PeerProcess peer = peer();
    peer.run("lock CHAIN a");

    assertEquals(
        peer.pid(), Objects.requireNonNull(participant.holder(ClaimKind.CHAIN, "a")).pid());
  }

  @Test
  void join_whileAnotherHasItExclusively_namesIt() throws Exception {
    PeerProcess peer = new PeerProcess(root, true);
    open.add(peer);

    StoreLockedException e =
        assertThrows(StoreLockedException.class, () -> Participant.join(root, DIRECTORY, false));
    assertEquals(peer.pid(), e.holder().orElseThrow().pid());
  }

  @Test
  void join_exclusivelyBesideAnother_namesIt() throws Exception {
    PeerProcess peer = peer();

    StoreLockedException e =
        assertThrows(StoreLockedException.class, () -> Participant.join(root, DIRECTORY, true));
    assertEquals(peer.pid(), e.holder().orElseThrow().pid());
  }

  @Test
  void join_afterAllWereKilled_isTheFirst() throws Exception {
    peer().close();

    Participant participant = join();
    assertTrue(participant.isFirst());
    assertEquals(1, participant.dead().size());
    participant.forget(participant.dead());
    assertEquals(List.of(), participant.dead());
  }

  @Test
  void join_inARootWithALongPath_works() throws Exception {
    Path deep = Files.createDirectories(root.resolve("d".repeat(100)).resolve("e".repeat(100)));
    try (Participant participant = Participant.join(deep, DIRECTORY, false);
        PeerProcess peer = start(participant, deep)) {
      peer.run("claim LAYER a");
      assertTrue(participant.isClaimedElsewhere(ClaimKind.LAYER, "a"));
    }
  }

  private static PeerProcess start(Participant participant, Path root) {
    participant.opened();
    return new PeerProcess(root);
  }

  @Test
  void requireInPlace_whenTheDirectoryWasDeleted_fails() throws Exception {
    Participant participant = join();
    deleteAll(root.resolve(DIRECTORY));

    assertThrows(LayerStoreException.class, participant::requireInPlace);
  }

  @Test
  void requireInPlace_whenTheRootWasReplaced_fails() throws Exception {
    Path there = Files.createDirectory(root.resolve("there"));
    try (Participant participant = Participant.join(there, DIRECTORY, false)) {
      participant.requireInPlace();
      Files.move(there, root.resolve("elsewhere"));
      Files.createDirectory(there);

      assertThrows(LayerStoreException.class, participant::requireInPlace);
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
    Participant participant = join();
    try (Stream<Path> files = Files.list(root.resolve(DIRECTORY))) {
      for (Path file :
          files.filter(path -> !String.valueOf(path.getFileName()).contains(".")).toList()) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          channel.truncate(0);
        }
      }
    }

    assertThrows(LayerStoreException.class, participant::requireInPlace);
    // Taking the claims back would touch the memory that is gone.
    open.remove(participant);
  }

  @Test
  void claim_ofAProcessWhoseChildLivesOn_isGoneWithIt() throws Exception {
    Participant participant = join();
    PeerProcess peer = peer();
    peer.run("claim LAYER a");
    peer.run("child");
    ProcessHandle child =
        ProcessHandle.of(peer.pid()).orElseThrow().children().findFirst().orElseThrow();
    try {
      peer.close();

      assertTrue(child.isAlive());
      assertFalse(participant.isClaimedElsewhere(ClaimKind.LAYER, "a"));
    } finally {
      child.destroyForcibly();
    }
  }

  @Test
  void requireOneKernel_fileSystemsOfSeveralMachines_areRefused() throws Exception {
    for (String type : List.of("nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "virtiofs")) {
      assertThrows(IOException.class, () -> Participant.requireOneKernel(type), type);
    }
    for (String type : List.of("fuse.sshfs", "fuse.glusterfs", "lustre", "afs")) {
      assertThrows(IOException.class, () -> Participant.requireOneKernel(type), type);
    }
    for (String type : List.of("ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuse.fuse-overlayfs")) {
      Participant.requireOneKernel(type);
    }
  }

  @Test
  void close_leavesNothingButTheBoard() throws Exception {
    Participant participant = Participant.join(root, DIRECTORY, false);
    participant.claim(ClaimKind.LAYER, "a");
    participant.close();

    try (Stream<Path> files = Files.list(root.resolve(DIRECTORY))) {
      assertEquals(List.of(root.resolve(DIRECTORY).resolve("board")), files.toList());
    }
  }
}
