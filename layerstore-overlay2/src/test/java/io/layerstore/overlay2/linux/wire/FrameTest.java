package io.layerstore.overlay2.linux.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

final class FrameTest {

  private static Frame reread(FrameBuilder builder) {
    ByteBuffer bytes =
        ByteBuffer.wrap(builder.array(), 0, builder.size()).order(ByteOrder.LITTLE_ENDIAN);
    int length = bytes.getInt();
    int opcode = bytes.getShort() & 0xffff;
    assertEquals(0, bytes.getShort());
    int sequence = bytes.getInt();
    assertEquals(bytes.remaining(), length);
    return new Frame(opcode, sequence, bytes.slice().order(ByteOrder.LITTLE_ENDIAN));
  }

  @Test
  void read_whatWasBuilt_isTheSame() {
    ByteString name = ByteString.of(new byte[] {0, -1, 'x'});
    Frame frame =
        reread(
            new FrameBuilder(100)
                .begin(0x8123, 7)
                .u8(255)
                .u16(65535)
                .u32(4294967295L)
                .u64(Long.MAX_VALUE)
                .u64(-1)
                .bytes(name)
                .end());
    assertEquals(0x8123, frame.opcode());
    assertEquals(7, frame.sequence());
    assertEquals(255, frame.u8());
    assertEquals(65535, frame.u16());
    assertEquals(4294967295L, frame.u32());
    assertEquals(Long.MAX_VALUE, frame.u63());
    assertEquals(-1, frame.s64());
    assertEquals(name, frame.bytes());
    frame.end();
  }

  @Test
  void take_moreThanThereIs_isGarbage() {
    Frame frame = reread(new FrameBuilder(20).begin(1, 1).u8(1).end());
    assertThrows(Frame.GarbageException.class, frame::u32);
  }

  @Test
  void bytes_longerThanTheBody_isGarbage() {
    Frame frame = reread(new FrameBuilder(20).begin(1, 1).u16(5).u8(1).end());
    assertThrows(Frame.GarbageException.class, frame::bytes);
  }

  @Test
  void bytes_lengthBeyondInt_isGarbage() {
    Frame frame = reread(new FrameBuilder(20).begin(1, 1).u32(4294967295L).end());
    long length = frame.u32();
    assertThrows(Frame.GarbageException.class, () -> frame.bytes(length));
  }

  @Test
  void end_bytesLeftOver_isGarbage() {
    Frame frame = reread(new FrameBuilder(20).begin(1, 1).u16(5).end());
    frame.u8();
    assertThrows(Frame.GarbageException.class, frame::end);
  }

  @Test
  void u63_highestBitSet_isGarbage() {
    Frame frame = reread(new FrameBuilder(20).begin(1, 1).u64(-1).end());
    assertThrows(Frame.GarbageException.class, frame::u63);
  }

  @Test
  void bytes_tooLongForAFrame_isRefused() {
    FrameBuilder builder = new FrameBuilder(70000).begin(1, 1);
    ByteString tooLong = ByteString.of(new byte[65536]);
    assertThrows(IllegalArgumentException.class, () -> builder.bytes(tooLong));
  }
}
