package io.layerstore.overlay2.linux;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A few blocks of frames on their way to a helper: one thread fills them, a thread of its own sends
 * them, so that both work at once and the filling thread never waits in a system call.
 *
 * <p>What is shared is guarded by the helper's lock.
 */
final class OutputBlocks {

  private static final int BLOCK_SIZE = 256 << 10;
  private static final int BLOCKS = 4;

  private final HelperProcess helper;
  private final Deque<FrameBuilder> free = new ArrayDeque<>();
  private final Deque<FrameBuilder> filled = new ArrayDeque<>();
  private final Thread sender;
  private boolean isClosed;

  /** To {@code helper}. */
  OutputBlocks(HelperProcess helper) {
    this.helper = helper;
    for (int i = 0; i < BLOCKS; i++) {
      free.add(new FrameBuilder(BLOCK_SIZE));
    }
    this.sender = new Thread(this::send, "layerstore-helper-apply-entries");
    sender.setDaemon(true);
    sender.start();
  }

  /** A block to fill, or null if all are on their way; to be called with the lock held. */
  @Nullable FrameBuilder takeLocked() {
    return free.poll();
  }

  /** Whether {@link #takeLocked} has one; to be called with the lock held. */
  boolean hasFreeLocked() {
    return !free.isEmpty();
  }

  /** Sends a block. */
  void submit(FrameBuilder block) {
    helper.lock().lock();
    try {
      filled.add(block);
      helper.changed().signalAll();
    } finally {
      helper.lock().unlock();
    }
  }

  private void send() {
    FrameBuilder block = nextFilled();
    while (block != null) {
      try {
        helper.write(block.array(), block.size());
      } catch (IOException e) {
        // The helper has ended; why is among its frames, and the thread that takes those says so.
        // Blocks go on being
        // given back, so that it gets there.
      }
      block.clear();
      giveBack(block);
      block = nextFilled();
    }
  }

  private @Nullable FrameBuilder nextFilled() {
    helper.lock().lock();
    try {
      while (filled.isEmpty() && !isClosed) {
        helper.changed().awaitUninterruptibly();
      }
      return filled.poll();
    } finally {
      helper.lock().unlock();
    }
  }

  private void giveBack(FrameBuilder block) {
    helper.lock().lock();
    try {
      free.add(block);
      helper.changed().signalAll();
    } finally {
      helper.lock().unlock();
    }
  }

  /** Lets the sending thread end; blocks that it has not begun with are dropped. */
  void close() {
    helper.lock().lock();
    try {
      isClosed = true;
      filled.clear();
      helper.changed().signalAll();
    } finally {
      helper.lock().unlock();
    }
  }
}
