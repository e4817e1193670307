package io.layerstore.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What all streams that make their bytes have in common. */
final class MadeStreamTest {

  /** Counts up from 254; fails or ends where it is told. */
  private static final class Counting extends MadeStream {
    private final int end;
    private final boolean fails;
    private int next = 254;
    private int closed;

    Counting(int end, boolean fails) {
      this.end = end;
      this.fails = fails;
    }

    @Override
    protected int make(byte[] target, int offset, int length) throws IOException {
      if (next == end && fails) {
        throw new IOException("at " + end);
      }
      if (next == end) {
        return -1;
      }
      target[offset] = (byte) next++;
      return 1;
    }

    @Override
    protected void closeSources() {
      closed++;
    }
  }

  @Test
  void read_singleBytes_areUnsigned() throws IOException {
    Counting stream = new Counting(257, false);
    assertEquals(254, stream.read());
    assertEquals(255, stream.read());
    assertEquals(0, stream.read());
    assertEquals(-1, stream.read());
  }

  @Test
  void transferTo_fewBytes_givesThoseThatAreLeft() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Counting stream = new Counting(257, false);
    stream.read();
    assertEquals(2, stream.transferTo(out));
    assertArrayEquals(new byte[] {(byte) 255, 0}, out.toByteArray());
    assertEquals(0, stream.transferTo(out));
  }

  @Test
  void transferTo_failure_isThrownAfterWhatWasMade() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Counting stream = new Counting(256, true);
    assertThrows(IOException.class, () -> stream.transferTo(out));
    assertArrayEquals(new byte[] {(byte) 254, (byte) 255}, out.toByteArray());
  }

  @Test
  void read_nothing_makesNothing() throws IOException {
    Counting stream = new Counting(254, true);
    assertEquals(0, stream.read(new byte[3], 3, 0));
  }

  @Test
  void read_outsideTheArray_isRefused() {
    Counting stream = new Counting(255, false);
    assertThrows(IndexOutOfBoundsException.class, () -> stream.read(new byte[3], 2, 2));
  }

  @Test
  void read_afterAFailure_failsAgainAndNeverEnds() {
    Counting stream = new Counting(255, true);
    byte[] target = new byte[4];
    IOException first = assertThrows(IOException.class, () -> stream.readNBytes(target, 0, 4));
    stream.next++;
    assertSame(first, assertThrows(IOException.class, stream::read));
    assertSame(first, assertThrows(IOException.class, () -> stream.read(target)));
    assertArrayEquals(new byte[] {(byte) 254, 0, 0, 0}, target);
  }

  @Test
  void close_twice_closesTheSourcesOnceAndEndsReading() throws IOException {
    Counting stream = new Counting(300, false);
    stream.close();
    stream.close();
    assertEquals(1, stream.closed);
    assertThrows(IOException.class, stream::read);
    assertThrows(IOException.class, () -> stream.read(new byte[1], 0, 0));
  }
}
