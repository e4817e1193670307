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

/** Another user of the root, as its lease shows it. */
final class Peer {

  private final Place place;
  private final String id;
  private final Memory memory;

  private Peer(Place place, String id, Memory memory) {
    this.place = place;
    this.id = id;
    this.memory = memory;
  }

  static Peer open(Place place, String id) throws IOException {
    return new Peer(place, id, place.open(id));
  }

  String id() {
    return id;
  }

  boolean isAlive() {
    return place.isAlive(id);
  }

  boolean isIn() throws IOException {
    return Words.get(memory.piece(0), Marks.STATE) == Lease.IN;
  }

  boolean isExclusive() throws IOException {
    return Words.get(memory.piece(0), Marks.EXCLUSIVE) != 0;
  }

  /** The mode of its mark, alive or not; 0 if there is none. */
  int find(Kind kind, byte[] key, long hash) throws IOException {
    return Marks.find(memory, kind, key, hash);
  }

  /** The keys of its marks of one kind, alive or not. */
  Set<String> keys(Kind kind) throws IOException {
    Set<String> keys = new TreeSet<>();
    Marks.visit(
        memory,
        mark -> {
          if (mark.kind() == kind) {
            keys.add(mark.key());
          }
        });
    return keys;
  }

  StoreUser describe(boolean isThisStore) throws IOException {
    ByteBuffer head = memory.piece(0);
    int length = Math.min((int) (Words.get(head, Marks.COMMAND) & 0xffff), Marks.MAX_COMMAND_BYTES);
    byte[] command = new byte[length];
    head.get(Marks.COMMAND + Long.BYTES, command);
    List<String> holds = new ArrayList<>();
    Marks.visit(
        memory,
        mark -> {
          if (mark.mode() == Marks.HELD) {
            String hold = words(mark);
            if (!hold.isEmpty()) {
              holds.add(hold);
            }
          }
        });
    holds.sort(null);
    return new StoreUser(
        Words.get(head, Marks.PID),
        new String(command, UTF_8),
        Instant.ofEpochMilli(Words.get(head, Marks.SINCE)),
        isExclusive(),
        isThisStore,
        holds);
  }

  private static String words(Marks.Mark mark) {
    return switch (mark.kind()) {
      case LAYER -> "layer " + mark.key();
      case RW_LAYER -> "read-write layer " + mark.key();
      case MOUNT -> "mount " + mark.key();
      case CHAIN -> "working on layer " + mark.key();
      case NAME -> "working on read-write layer " + mark.key();
      case IMAGES -> "changing images";
      case DOOR -> "opening the store";
      case DELETION, WORK, MOUNTING, SWEEP -> "";
    };
  }
}
