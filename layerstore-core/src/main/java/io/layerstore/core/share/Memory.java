package io.layerstore.core.share;

import java.io.IOException;
import java.nio.ByteBuffer;

/** The memory of one lease or of the board, which several processes see at once, in pieces. */
@FunctionalInterface
interface Memory {

  /** The bytes of one piece. A multiple of every page size that matters, but for the largest. */
  int PIECE_BYTES = 16 << 10;

  /**
   * A piece, which is made if this is the owner's view.
   *
   * @throws IOException if it cannot be made, or is not there
   */
  ByteBuffer piece(int index) throws IOException;
}
