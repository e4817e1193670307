package io.layerstore.core.share;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The layout of a lease: a head, then marks of {@value #MARK_BYTES} bytes each. Only its owner
 * writes it.
 *
 * <p>A mark is written from its end: the first word last, with another number than ever before, so
 * that a reader who finds the same number before and after has read one mark and not parts of two.
 */
@SuppressWarnings("EnumOrdinal") // The ordinal is the byte that processes share.
final class Marks {

  static final long MAGIC = 0x3165736165_6c736cL; // "lslease1"

  static final int STATE = 8;
  static final int EXCLUSIVE = 16;
  static final int PID = 24;
  static final int SINCE = 32;
  static final int COUNT = 40;
  static final int COMMAND = 56;

  static final int MAX_COMMAND_BYTES = 960;

  static final int MARK_BYTES = 256;

  /** So many marks would fit into the place of the head. */
  private static final int HEAD_MARKS = 4;

  private static final int MARKS_PER_PIECE = Memory.PIECE_BYTES / MARK_BYTES;

  private static final int HASH = 8;
  private static final int KIND = 16;
  private static final int LENGTH = 17;
  private static final int KEY = 18;
  static final int MAX_KEY_BYTES = MARK_BYTES - KEY;

  /** The last bits of the first word of a mark that is there. */
  static final int WANTED = 1;

  static final int HELD = 2;

  private static final int MODE_BITS = 2;

  private Marks() {}

  static int pieceOf(int mark) {
    return (mark + HEAD_MARKS) / MARKS_PER_PIECE;
  }

  static int offsetOf(int mark) {
    return (mark + HEAD_MARKS) % MARKS_PER_PIECE * MARK_BYTES;
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

  static void write(ByteBuffer piece, int offset, Kind kind, byte[] key, long number, int mode) {
    piece.put(offset + KIND, (byte) kind.ordinal());
    piece.put(offset + LENGTH, (byte) key.length);
    piece.put(offset + KEY, key);
    Words.set(piece, offset + HASH, hash(key));
    Words.set(piece, offset, number << MODE_BITS | mode);
  }

  /** Changes the mode of a mark that is there; 0 takes it away. */
  static void setMode(ByteBuffer piece, int offset, long number, int mode) {
    Words.set(piece, offset, mode == 0 ? 0 : number << MODE_BITS | mode);
  }

  /** A mark as it was at one moment. */
  record Mark(Kind kind, String key, int mode) {}

  /** What is told of each mark. */
  @FunctionalInterface
  interface Visitor {
    void visit(Mark mark);
  }

  /** The mode of the mark of this kind and key in another's lease; 0 if there is none. */
  static int find(Memory memory, Kind kind, byte[] key, long hash) throws IOException {
    long count = Words.get(memory.piece(0), COUNT);
    for (int i = 0; i < count; i++) {
      ByteBuffer piece = memory.piece(pieceOf(i));
      int offset = offsetOf(i);
      long word = Words.get(piece, offset);
      if (word == 0 || Words.get(piece, offset + HASH) != hash) {
        // It may be being written: then it was begun after the caller's own mark or count, and its
        // owner will see that.
        continue;
      }
      boolean isSame =
          piece.get(offset + KIND) == kind.ordinal()
              && Arrays.equals(key, copy(piece, offset + KEY, piece.get(offset + LENGTH) & 0xff));
      VarHandle.loadLoadFence();
      long after = Words.get(piece, offset);
      if (isSame && after >> MODE_BITS == word >> MODE_BITS) {
        return (int) (after & (1 << MODE_BITS) - 1);
      }
      if (after >> MODE_BITS != word >> MODE_BITS) {
        i--; // Another one by now.
      }
    }
    return 0;
  }

  static void visit(Memory memory, Visitor visitor) throws IOException {
    long count = Words.get(memory.piece(0), COUNT);
    for (int i = 0; i < count; i++) {
      ByteBuffer piece = memory.piece(pieceOf(i));
      int offset = offsetOf(i);
      long word = Words.get(piece, offset);
      int kind = piece.get(offset + KIND);
      byte[] key = copy(piece, offset + KEY, piece.get(offset + LENGTH) & 0xff);
      VarHandle.loadLoadFence();
      if (word != 0 && Words.get(piece, offset) == word && kind < Kind.values().length) {
        visitor.visit(
            new Mark(
                Kind.values()[kind], new String(key, UTF_8), (int) (word & (1 << MODE_BITS) - 1)));
      }
    }
  }

  private static byte[] copy(ByteBuffer from, int offset, int length) {
    byte[] copy = new byte[Math.min(length, MAX_KEY_BYTES)];
    try {
      from.get(offset, copy);
    } catch (InternalError e) {
      throw Words.cut(e);
    }
    return copy;
  }
}
