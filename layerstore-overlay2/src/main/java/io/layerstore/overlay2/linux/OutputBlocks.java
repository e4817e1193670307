package io.layerstore.overlay2.linux;

import io.layerstore.driver.Mapping;
import io.layerstore.overlay2.linux.wire.Frame;
import io.layerstore.overlay2.linux.wire.FrameBuilder;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.Protocol;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Blocks of frames for a helper, in memory that it shares with us: only where they are goes through
 * the pipe. A page of frames at the beginning goes through the pipe itself, so that a small layer
 * needs no such memory.
 *
 * <p>Used by one thread at a time.
 */
final class OutputBlocks implements AutoCloseable {

  private static final int BLOCK_SIZE = 256 << 10;

  /** A pipe with nothing in it takes a page without making the writer wait, however small it is. */
  private static final int ALWAYS_FITS = 4096;

  private static final int BLOCK_FRAME_SIZE = Protocol.HEADER_SIZE + 8;

  private final HelperProcess helper;
  private final FrameBuilder first = new FrameBuilder(ALWAYS_FITS);
  private boolean isFirstTaken;
  private Mapping.@Nullable Made shared;
  private FrameBuilder[] blocks = {};
  private boolean[] isFree = {};

  /** To {@code helper}. */
  OutputBlocks(HelperProcess helper) {
    this.helper = helper;
  }

  /** A block to fill, or null if the helper has to take one before. */
  @Nullable FrameBuilder take() throws IOException {
    if (!isFirstTaken) {
      isFirstTaken = true;
      return first;
    }
    if (shared == null) {
      map();
    }
    for (int i = 0; i < blocks.length; i++) {
      if (isFree[i]) {
        isFree[i] = false;
        return blocks[i];
      }
    }
    return null;
  }

  private void map() throws IOException {
    Mapping.Made made = helper.map();
    shared = made;
    blocks = new FrameBuilder[made.memory().capacity() / BLOCK_SIZE];
    isFree = new boolean[blocks.length];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = new FrameBuilder(made.memory().slice(i * BLOCK_SIZE, BLOCK_SIZE));
      isFree[i] = true;
    }
  }

  /** Sends a block. */
  void submit(FrameBuilder block) {
    try {
      if (block == first) {
        helper.write(block.array(), block.size());
      } else {
        FrameBuilder note =
            new FrameBuilder(BLOCK_FRAME_SIZE)
                .begin(Protocol.OP_BLOCK, 0)
                .u32((long) indexOf(block) * BLOCK_SIZE)
                .u32(block.size())
                .end();
        helper.write(note.array(), note.size());
      }
    } catch (IOException e) {
      // The helper has ended; why is among its frames, and the thread that takes those says so.
    }
  }

  private int indexOf(FrameBuilder block) {
    int i = 0;
    while (blocks[i] != block) {
      i++;
    }
    return i;
  }

  /** Notes that the helper has taken the block at {@code offset}. */
  void giveBack(long offset) {
    long i = offset / BLOCK_SIZE;
    if (offset % BLOCK_SIZE != 0 || i >= blocks.length || isFree[(int) i]) {
      throw new Frame.GarbageException("no such block: " + offset);
    }
    blocks[(int) i].clear();
    isFree[(int) i] = true;
  }

  /** Gives the memory back; no block may be touched any more. */
  @Override
  public void close() {
    if (shared != null) {
      shared.mapping().unmap();
    }
  }
}
