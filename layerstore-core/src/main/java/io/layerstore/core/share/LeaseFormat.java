package io.layerstore.core.share;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The bytes of a lease: a head, then claims of {@value #CLAIM_BYTES} bytes each. Only its owner
 * writes it.
 *
 * <p>A claim is written from its end: the first word last, with another number than ever before, so
 * that a reader who finds the same number before and after has read one claim and not parts of two.
 */
@SuppressWarnings("EnumOrdinal") // The ordinal is the byte that processes share.
final class LeaseFormat {

  static final long MAGIC = 0x3165736165_6c736cL; // "lslease1"

  static final int STATE = 8;
  static final int EXCLUSIVE = 16;
  static final int PID = 24;
  static final int SINCE = 32;
  static final int COUNT = 40;
  static final int COMMAND = 56;

  static final int MAX_COMMAND_BYTES = 960;

  static final int CLAIM_BYTES = 256;

  /** So many claims would fit into the place of the head. */
  private static final int HEAD_CLAIMS = 4;

  private static final int CLAIMS_PER_PIECE = SharedMemory.PIECE_BYTES / CLAIM_BYTES;

  private static final int HASH = 8;
  private static final int KIND = 16;
  private static final int LENGTH = 17;
  private static final int KEY = 18;
  static final int MAX_KEY_BYTES = CLAIM_BYTES - KEY;

  /** The last bits of the first word of a claim that is there. */
  static final int WANTED = 1;

  static final int HELD = 2;

  private static final int MODE_BITS = 2;

  private LeaseFormat() {}

  static int pieceOf(int claim) {
    return (claim + HEAD_CLAIMS) / CLAIMS_PER_PIECE;
  }

  static int offsetOf(int claim) {
    return (claim + HEAD_CLAIMS) % CLAIMS_PER_PIECE * CLAIM_BYTES;
  }

  /** FNV-1a. */
  static long hash(byte[] key) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : key) {
      hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }
    return hash;
  }

  static byte[] bytes(String key) {
    byte[] bytes = key.getBytes(UTF_8);
    if (bytes.length > MAX_KEY_BYTES) {
      throw new IllegalArgumentException("too long: " + key);
    }
    return bytes;
  }

  static void write(
      ByteBuffer piece, int offset, ClaimKind kind, byte[] key, long number, int mode) {
    piece.put(offset + KIND, (byte) kind.ordinal());
    piece.put(offset + LENGTH, (byte) key.length);
    piece.put(offset + KEY, key);
    SharedMemory.set(piece, offset + HASH, hash(key));
    SharedMemory.set(piece, offset, number << MODE_BITS | mode);
  }

  /** Changes the mode of a claim that is there; 0 takes it away. */
  static void setMode(ByteBuffer piece, int offset, long number, int mode) {
    SharedMemory.set(piece, offset, mode == 0 ? 0 : number << MODE_BITS | mode);
  }

  /** A claim as it was at one moment. */
  record Claim(ClaimKind kind, String key, int mode) {}

  /** What is told of each claim. */
  @FunctionalInterface
  interface Visitor {
    void visit(Claim claim);
  }

  /** The mode of the claim of this kind and key in another's lease; 0 if there is none. */
  static int find(SharedMemory memory, ClaimKind kind, byte[] key, long hash) throws IOException {
    long count = SharedMemory.get(memory.piece(0), COUNT);
    for (int i = 0; i < count; i++) {
      ByteBuffer piece = memory.piece(pieceOf(i));
      int offset = offsetOf(i);
      long word = SharedMemory.get(piece, offset);
      if (word == 0 || SharedMemory.get(piece, offset + HASH) != hash) {
        // It may be being written: then it was begun after the caller's own claim or count, and its
        // owner will see that.
        continue;
      }
      boolean isSame =
          piece.get(offset + KIND) == kind.ordinal()
              && Arrays.equals(key, copy(piece, offset + KEY, piece.get(offset + LENGTH) & 0xff));
      VarHandle.loadLoadFence();
      long after = SharedMemory.get(piece, offset);
      if (isSame && after >> MODE_BITS == word >> MODE_BITS) {
        return (int) (after & (1 << MODE_BITS) - 1);
      }
      if (after >> MODE_BITS != word >> MODE_BITS) {
        i--; // Another one by now.
      }
    }
    return 0;
  }

  static void visit(SharedMemory memory, Visitor visitor) throws IOException {
    long count = SharedMemory.get(memory.piece(0), COUNT);
    for (int i = 0; i < count; i++) {
      ByteBuffer piece = memory.piece(pieceOf(i));
      int offset = offsetOf(i);
      long word = SharedMemory.get(piece, offset);
      int kind = piece.get(offset + KIND);
      byte[] key = copy(piece, offset + KEY, piece.get(offset + LENGTH) & 0xff);
      VarHandle.loadLoadFence();
      if (word != 0
          && SharedMemory.get(piece, offset) == word
          && kind < ClaimKind.values().length) {
        visitor.visit(
            new Claim(
                ClaimKind.values()[kind],
                new String(key, UTF_8),
                (int) (word & (1 << MODE_BITS) - 1)));
      }
    }
  }

  private static byte[] copy(ByteBuffer from, int offset, int length) {
    byte[] copy = new byte[Math.min(length, MAX_KEY_BYTES)];
    try {
      from.get(offset, copy);
    } catch (InternalError e) {
      throw SharedMemory.cut(e);
    }
    return copy;
  }
}
