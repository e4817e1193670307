package io.layerstore.core.share;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * What this user of a root says: one writer, and as many readers as there are other users.
 *
 * <p>Safe for use by many threads. The costs are those of a few writes to memory.
 */
final class Lease {

  /** States of an owner. */
  static final long JOINING = 1;

  static final long IN = 2;

  private final Memory memory;

  @GuardedBy("this")
  private final List<Long> numbers = new ArrayList<>();

  @GuardedBy("this")
  private final Deque<Integer> free = new ArrayDeque<>();

  @GuardedBy("this")
  private long lastNumber;

  @GuardedBy("this")
  private boolean isEnded;

  Lease(Memory memory, boolean isExclusive, Self self) throws IOException {
    this.memory = memory;
    ByteBuffer head = memory.piece(0);
    byte[] command = self.command();
    head.put(Marks.COMMAND, (byte) command.length);
    head.put(Marks.COMMAND + 1, (byte) (command.length >> 8));
    head.put(Marks.COMMAND + Long.BYTES, command);
    Words.set(head, Marks.EXCLUSIVE, isExclusive ? 1 : 0);
    Words.set(head, Marks.PID, self.pid());
    Words.set(head, Marks.SINCE, self.since().toEpochMilli());
    Words.set(head, Marks.STATE, JOINING);
    Words.set(head, 0, Marks.MAGIC);
  }

  /** What people are told of the owner. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Self(long pid, byte[] command, Instant since) {}

  void enter() {
    try {
      Words.set(memory.piece(0), Marks.STATE, IN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Takes back all marks for good; the memory is not touched any more. */
  synchronized void end() {
    for (int mark = 0; mark < numbers.size(); mark++) {
      setMode(mark, 0);
    }
    isEnded = true;
  }

  /**
   * Writes a mark; returns its number in this lease, to change or clear it by; -1 after the end.
   */
  synchronized int put(Kind kind, byte[] key, int mode) {
    if (isEnded) {
      return -1;
    }
    try {
      Integer index = free.poll();
      if (index == null) {
        index = numbers.size();
        memory.piece(Marks.pieceOf(index));
        numbers.add(0L);
        Words.set(memory.piece(0), Marks.COUNT, numbers.size());
      }
      numbers.set(index, ++lastNumber);
      Marks.write(
          memory.piece(Marks.pieceOf(index)), Marks.offsetOf(index), kind, key, lastNumber, mode);
      return index;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot note what this process holds", e);
    } catch (InternalError e) {
      throw Words.cut(e);
    }
  }

  synchronized void setMode(int mark, int mode) {
    if (isEnded) {
      return;
    }
    try {
      Marks.setMode(
          memory.piece(Marks.pieceOf(mark)), Marks.offsetOf(mark), numbers.get(mark), mode);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InternalError e) {
      throw Words.cut(e);
    }
  }

  synchronized void clear(int mark) {
    setMode(mark, 0);
    free.push(mark);
  }
}
