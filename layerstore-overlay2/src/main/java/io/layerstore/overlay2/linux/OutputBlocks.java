package io.layerstore.overlay2.linux;

import io.layerstore.overlay2.linux.wire.BackgroundThread;
import io.layerstore.overlay2.linux.wire.FrameBuilder;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A few blocks of frames on their way to a helper: one thread fills them, a thread of its own sends
 * them, so that both work at once and the filling thread never waits in a system call. A layer so
 * small that its frames fit into any pipe takes one block, and no thread.
 *
 * <p>What is shared is guarded by the helper's lock.
 */
final class OutputBlocks {

  private static final int BLOCK_SIZE = 256 << 10;
  private static final int BLOCKS = 4;

  /** A pipe with nothing in it takes a page without making the writer wait, however small it is. */
  private static final int ALWAYS_FITS = 4096;

  private static final Duration END_TIMEOUT = Duration.ofSeconds(5);

  private final HelperProcess helper;
  private final Deque<FrameBuilder> free = new ArrayDeque<>();
  private final Deque<FrameBuilder> filled = new ArrayDeque<>();
  private final BackgroundThread sender;
  private int made;
  private boolean isClosed;

  /** Whether the sending thread was started; only the filling thread touches it. */
  private boolean isSending;

  /** To {@code helper}. */
  OutputBlocks(HelperProcess helper) {
    this.helper = helper;
    this.sender = new BackgroundThread("layerstore-helper-apply-entries", this::send);
  }

  /** A block to fill, or null if all are on their way; to be called with the lock held. */
  @Nullable FrameBuilder takeLocked() {
    FrameBuilder block = free.poll();
    if (block == null && made < BLOCKS) {
      made++;
      return new FrameBuilder(BLOCK_SIZE);
    }
    return block;
  }

  /** Whether {@link #takeLocked} has one; to be called with the lock held. */
  boolean hasFreeLocked() {
    return !free.isEmpty() || made < BLOCKS;
  }

  /** Sends a block; after one that is not full, no more. */
  void submit(FrameBuilder block) {
    if (!isSending && block.size() <= ALWAYS_FITS) {
      write(block);
      return;
    }
    if (!isSending) {
      isSending = true;
      sender.start();
    }
    helper.frames().lock().lock();
    try {
      filled.add(block);
      helper.frames().changed().signalAll();
    } finally {
      helper.frames().lock().unlock();
    }
  }

  private void send() {
    FrameBuilder block = nextFilled();
    while (block != null) {
      write(block);
      block.clear();
      giveBack(block);
      block = nextFilled();
    }
  }

  private void write(FrameBuilder block) {
    try {
      helper.write(block.array(), block.size());
    } catch (IOException e) {
      // The helper has ended; why is among its frames, and the thread that takes those says so.
      // Blocks go on being given back, so that it gets there.
    }
  }

  private @Nullable FrameBuilder nextFilled() {
    helper.frames().lock().lock();
    try {
      while (filled.isEmpty() && !isClosed) {
        helper.frames().changed().awaitUninterruptibly();
      }
      return filled.poll();
    } finally {
      helper.frames().lock().unlock();
    }
  }

  private void giveBack(FrameBuilder block) {
    helper.frames().lock().lock();
    try {
      free.add(block);
      helper.frames().changed().signalAll();
    } finally {
      helper.frames().lock().unlock();
    }
  }

  /**
   * Lets the sending thread end, and waits for that; blocks that it has not begun with are dropped.
   * The helper must have ended, or nothing must be on its way.
   */
  void close() {
    helper.frames().lock().lock();
    try {
      isClosed = true;
      filled.clear();
      helper.frames().changed().signalAll();
    } finally {
      helper.frames().lock().unlock();
    }
    sender.join(END_TIMEOUT);
  }
}
