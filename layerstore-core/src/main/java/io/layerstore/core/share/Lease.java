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
 * The claims of this participant, which it alone writes and the others read, each as a {@link
 * Peer}.
 *
 * <p>Safe for use by many threads. The costs are those of a few writes to memory.
 */
final class Lease {

  /** States of an owner. */
  static final long JOINING = 1;

  static final long IN = 2;

  private final SharedMemory memory;

  @GuardedBy("this")
  private final List<Long> numbers = new ArrayList<>();

  @GuardedBy("this")
  private final Deque<Integer> free = new ArrayDeque<>();

  @GuardedBy("this")
  private long lastNumber;

  @GuardedBy("this")
  private boolean isEnded;

  Lease(SharedMemory memory, boolean isExclusive, Owner owner) throws IOException {
    this.memory = memory;
    ByteBuffer head = memory.piece(0);
    byte[] command = owner.command();
    head.put(LeaseFormat.COMMAND, (byte) command.length);
    head.put(LeaseFormat.COMMAND + 1, (byte) (command.length >> 8));
    head.put(LeaseFormat.COMMAND + Long.BYTES, command);
    SharedMemory.set(head, LeaseFormat.EXCLUSIVE, isExclusive ? 1 : 0);
    SharedMemory.set(head, LeaseFormat.PID, owner.pid());
    SharedMemory.set(head, LeaseFormat.SINCE, owner.since().toEpochMilli());
    SharedMemory.set(head, LeaseFormat.STATE, JOINING);
    SharedMemory.set(head, 0, LeaseFormat.MAGIC);
  }

  /** What people are told of the owner. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Owner(long pid, byte[] command, Instant since) {}

  void enter() {
    try {
      SharedMemory.set(memory.piece(0), LeaseFormat.STATE, IN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Takes back all claims for good; the memory is not touched any more. */
  synchronized void end() {
    for (int claim = 0; claim < numbers.size(); claim++) {
      setMode(claim, 0);
    }
    isEnded = true;
  }

  /**
   * Writes a claim; returns its number in this lease, to change or clear it by; -1 after the end.
   */
  synchronized int put(ClaimKind kind, byte[] key, int mode) {
    if (isEnded) {
      return -1;
    }
    try {
      Integer index = free.poll();
      if (index == null) {
        index = numbers.size();
        memory.piece(LeaseFormat.pieceOf(index));
        numbers.add(0L);
        SharedMemory.set(memory.piece(0), LeaseFormat.COUNT, numbers.size());
      }
      numbers.set(index, ++lastNumber);
      LeaseFormat.write(
          memory.piece(LeaseFormat.pieceOf(index)),
          LeaseFormat.offsetOf(index),
          kind,
          key,
          lastNumber,
          mode);
      return index;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot note what this process holds", e);
    } catch (InternalError e) {
      throw SharedMemory.cut(e);
    }
  }

  synchronized void setMode(int claim, int mode) {
    if (isEnded) {
      return;
    }
    try {
      LeaseFormat.setMode(
          memory.piece(LeaseFormat.pieceOf(claim)),
          LeaseFormat.offsetOf(claim),
          numbers.get(claim),
          mode);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InternalError e) {
      throw SharedMemory.cut(e);
    }
  }

  synchronized void clear(int claim) {
    setMode(claim, 0);
    free.push(claim);
  }
}
