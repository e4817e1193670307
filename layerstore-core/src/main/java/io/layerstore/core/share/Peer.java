package io.layerstore.core.share;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.StoreUser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Another participant, as its lease shows it. */
final class Peer {

  private final LeaseStore leases;
  private final String id;
  private final SharedMemory memory;

  private Peer(LeaseStore leases, String id, SharedMemory memory) {
    this.leases = leases;
    this.id = id;
    this.memory = memory;
  }

  static Peer open(LeaseStore leases, String id) throws IOException {
    return new Peer(leases, id, leases.open(id));
  }

  String id() {
    return id;
  }

  boolean isAlive() {
    return leases.isAlive(id);
  }

  boolean isIn() throws IOException {
    return SharedMemory.get(memory.piece(0), LeaseFormat.STATE) == Lease.IN;
  }

  boolean isExclusive() throws IOException {
    return SharedMemory.get(memory.piece(0), LeaseFormat.EXCLUSIVE) != 0;
  }

  /** The mode of its claim, alive or not; 0 if there is none. */
  int find(ClaimKind kind, byte[] key, long hash) throws IOException {
    return LeaseFormat.find(memory, kind, key, hash);
  }

  /** The keys of its claims of one kind, alive or not. */
  Set<String> keys(ClaimKind kind) throws IOException {
    Set<String> keys = new TreeSet<>();
    LeaseFormat.visit(
        memory,
        claim -> {
          if (claim.kind() == kind) {
            keys.add(claim.key());
          }
        });
    return keys;
  }

  StoreUser describe(boolean isThisStore) throws IOException {
    ByteBuffer head = memory.piece(0);
    int length =
        Math.min(
            (int) (SharedMemory.get(head, LeaseFormat.COMMAND) & 0xffff),
            LeaseFormat.MAX_COMMAND_BYTES);
    byte[] command = new byte[length];
    head.get(LeaseFormat.COMMAND + Long.BYTES, command);
    List<String> holds = new ArrayList<>();
    LeaseFormat.visit(
        memory,
        claim -> {
          if (claim.mode() == LeaseFormat.HELD) {
            String hold = words(claim);
            if (!hold.isEmpty()) {
              holds.add(hold);
            }
          }
        });
    holds.sort(null);
    return new StoreUser(
        SharedMemory.get(head, LeaseFormat.PID),
        new String(command, UTF_8),
        Instant.ofEpochMilli(SharedMemory.get(head, LeaseFormat.SINCE)),
        isExclusive(),
        isThisStore,
        holds);
  }

  private static String words(LeaseFormat.Claim claim) {
    return switch (claim.kind()) {
      case LAYER -> "layer " + claim.key();
      case RW_LAYER -> "read-write layer " + claim.key();
      case MOUNT -> "mount of " + claim.key();
      case CHAIN -> "working on layer " + claim.key();
      case NAME -> "working on read-write layer " + claim.key();
      case IMAGES -> "changing images";
      case DOOR -> "opening the store";
      case BLOB -> "fetching " + claim.key();
      case DELETION, WORK, MOUNTING, SWEEP, BLOB_USE -> "";
    };
  }
}
