package io.layerstore.overlay2.linux;

import io.layerstore.LayerPath;
import io.layerstore.overlay2.linux.wire.FrameBuilder;
import io.layerstore.overlay2.linux.wire.Protocol;

/**
 * A request of a scan.
 *
 * @param opcode which
 * @param flags the {@code SCAN_} flags
 * @param sizeBytes the size that the file must have, for {@link Protocol#OP_READ}
 * @param path what it is about
 */
record ScanQuestion(int opcode, int flags, long sizeBytes, LayerPath path) {

  /** The length of its frame. */
  int frameBytes() {
    return Protocol.HEADER_SIZE
        + Integer.BYTES
        + (opcode == Protocol.OP_READ ? Long.BYTES : 0)
        + Short.BYTES
        + path.bytes().length();
  }

  /** Adds its frame to others that are asked at the same time. */
  void put(FrameBuilder packet, int sequence) {
    int together = packet.size() == 0 ? 0 : Protocol.SCAN_TOGETHER;
    packet.begin(opcode, sequence).u32(flags | together);
    if (opcode == Protocol.OP_READ) {
      packet.u64(sizeBytes);
    }
    packet.bytes(path.bytes()).end();
  }
}
