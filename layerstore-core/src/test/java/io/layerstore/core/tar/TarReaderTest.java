package io.layerstore.core.tar;

import static io.layerstore.core.tar.TarReading.assertListing;
import static io.layerstore.core.tar.TarReading.assertMalformed;
import static io.layerstore.core.tar.TarReading.everything;
import static io.layerstore.core.tar.TarReading.latin1;
import static io.layerstore.core.tar.TarReading.parse;
import static io.layerstore.testing.TarHeaderBlock.named;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.Limits;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.TarBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How {@link TarReader} comes to an end, where it stops, and what it asks of its caller and its
 * source.
 */
final class TarReaderTest {

  private final TarBuilder tar = new TarBuilder();

  /** How archives end, or do not. */
  @Nested
  final class Ends {

    @Test
    void next_noBytes_isAnEmptyArchive() throws Exception {
      assertListing("", tar);
    }

    @Test
    void next_noEndMarker_ends() throws Exception {
      assertListing("a=x", tar.file("a", "x"));
    }

    @Test
    void next_halfAnEndMarker_ends() throws Exception {
      assertListing("a=x", tar.file("a", "x").zeros(512));
    }

    @Test
    void next_zeroBlockAndAnEntry_isMalformed() {
      assertMalformed(tar.file("a", "x").zeros(512).file("b", "y").end());
    }

    @Test
    void next_zeroBlockAndAPartialOne_isMalformed() {
      assertMalformed(tar.file("a", "x").zeros(512 + 100));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 63, 511, 513, 512 + 511})
    void next_lessThanABlock_isMalformed(int length) {
      byte[] bytes = tar.directory("d/").file("a", "x").end().toBytes();
      assertMalformed(new TarBuilder().raw(Arrays.copyOf(bytes, length)));
    }

    @Test
    void next_randomBlock_isMalformed() {
      assertMalformed(tar.repeat(0x5a, 512));
    }

    @Test
    void payload_cutOff_isMalformed() {
      tar.header(named("d/a.txt").size(5000)).repeat('x', 1000);
      var e = assertMalformed(tar);
      assertEquals("layer archive entry 0 \"d/a.txt\": unexpected EOF", e.getMessage());
    }

    @Test
    void next_cutOffInPaxData_isMalformed() {
      byte[] bytes = tar.pax("path", "p".repeat(600)).file("a", "x").end().toBytes();
      assertMalformed(new TarBuilder().raw(Arrays.copyOf(bytes, 1024)));
    }

    @ParameterizedTest
    @ValueSource(ints = {513, 600, 1023})
    void next_cutOffInPadding_ends(int length) throws Exception {
      byte[] bytes = tar.file("a", "x").end().toBytes();
      assertListing("a=x", new TarBuilder().raw(Arrays.copyOf(bytes, length)));
    }

    @Test
    void next_cutOffInPaddingOfPax_ends() throws Exception {
      byte[] bytes = tar.file("a", "x").pax("path", "p").end().toBytes();
      assertListing("a=x", new TarBuilder().raw(Arrays.copyOf(bytes, 1024 + 512 + 20)));
    }

    @Test
    void drainTail_textAfterTheEnd_isHandedOutAfterTheAnnouncement() throws Exception {
      ParsedArchive parsed = parse(tar.file("a", "x").end().repeat('G', 700));
      assertEquals(700, parsed.rawBytes().length() - parsed.tailAt());
    }

    @Test
    void drainTail_secondArchive_isNotRead() throws Exception {
      assertListing("a=x", tar.file("a", "x").end().file("b", "y").end());
    }

    @Test
    void drainTail_manyZeros_areHandedOut() throws Exception {
      ParsedArchive parsed = parse(tar.file("a", "x").end().zeros(1 << 20));
      assertEquals(1 << 20, parsed.rawBytes().length() - parsed.tailAt());
    }

    @Test
    void next_paddingThatIsNotZero_isHandedOutAsItIs() throws Exception {
      assertListing("a=x", tar.header(named("a").size(1)).raw(latin1("x")).repeat('#', 511).end());
    }

    @Test
    void next_endWithoutMarker_isAnnouncedToo() throws Exception {
      assertEquals(512 + 511, parse(tar.file("a", "x")).tailAt());
    }
  }

  @Nested
  final class Limiting {

    @Test
    void next_20000PaxHeaders_exceedTheLimit() {
      assertChain(new TarBuilder().pax("path", "p").toBytes());
    }

    @Test
    void next_20000GnuNames_exceedTheLimit() {
      assertChain(new TarBuilder().gnuName("l").toBytes());
    }

    @Test
    void next_20000GlobalHeaders_exceedTheLimit() {
      assertChain(new TarBuilder().paxGlobal("g", "comment", "c").toBytes());
    }

    @Test
    void next_1024ExtensionHeaders_areTaken() throws Exception {
      for (int i = 0; i < 1024; i++) {
        tar.pax("path", "p");
      }
      assertListing("p=x", tar.file("a", "x").end());
    }

    @Test
    void next_extensionsBetweenEntries_startAnew() throws Exception {
      for (int i = 0; i < 1500; i++) {
        tar.pax("path", "p").header(named("a"));
      }
      assertEquals(1500, parse(tar.end()).entries().size());
    }

    /** The stream makes the chain as it is read, so only the reader could keep it. */
    private void assertChain(byte[] link) {
      RepeatingStream chain = new RepeatingStream(link, 20_000);
      TarReader reader = new TarReader(chain, Limits.DEFAULT, TarReader.RawBytes.NONE);
      var e =
          Refusals.assertRefused(
              Kind.LIMIT_EXCEEDED,
              () -> {
                while (reader.next() != null) {}
              });
      assertEquals(Optional.of("extension headers in a row"), e.limitName());
      assertTrue(
          chain.position < 1100L * link.length + 2 * ArchiveInput.BUFFER_BYTES,
          "read on to " + chain.position);
    }

    @ParameterizedTest
    @ValueSource(chars = {'x', 'g', 'L', 'K'})
    void next_extensionAboveTheLimit_isRefusedUnread(char type) {
      RepeatingStream zeros = new RepeatingStream(new byte[512], Long.MAX_VALUE / 1024);
      byte[] header = named("a").type(type).size(1L << 30).toBytes();
      InputStream in = new SequenceInputStream(new ByteArrayInputStream(header), zeros);
      TarReader reader = new TarReader(in, Limits.DEFAULT, TarReader.RawBytes.NONE);
      var e = Refusals.assertRefused(Kind.LIMIT_EXCEEDED, reader::next);
      assertEquals(Optional.of("maxHeaderBytes"), e.limitName());
      assertEquals(0, zeros.position);
    }

    @Test
    void next_extensionOfExactlyTheLimit_isTaken() throws Exception {
      Limits limits = Limits.builder().maxHeaderBytes(121).build();
      tar.gnuName("n".repeat(120)).file("a", "x").end();
      assertEquals("n".repeat(120) + "=x", ParsedArchive.of(tar.toStream(), limits).listing());
    }

    @Test
    void next_extensionOneByteAboveTheLimit_exceedsIt() {
      Limits limits = Limits.builder().maxHeaderBytes(120).build();
      tar.gnuName("n".repeat(120)).file("a", "x").end();
      Refusals.assertRefused(Kind.LIMIT_EXCEEDED, () -> ParsedArchive.of(tar.toStream(), limits));
    }

    @Test
    void next_moreEntriesThanAllowed_exceedTheLimit() throws Exception {
      tar.file("a", "x").file("b", "y").end();
      assertEquals(
          "a=x b=y",
          ParsedArchive.of(tar.toStream(), Limits.builder().maxEntries(2).build()).listing());
      var e =
          Refusals.assertRefused(
              Kind.LIMIT_EXCEEDED,
              () -> ParsedArchive.of(tar.toStream(), Limits.builder().maxEntries(1).build()));
      assertEquals(Optional.of("maxEntries"), e.limitName());
      assertEquals(OptionalLong.of(1), e.entryIndex());
    }

    @Test
    void drainTail_tailAboveTheLimit_exceedsIt() throws Exception {
      byte[] archive = tar.file("a", "x").end().zeros(10_000).toBytes();
      Limits limits = Limits.builder().maxUnpackedBytes(archive.length - 1).build();
      Refusals.assertRefused(
          Kind.LIMIT_EXCEEDED, () -> ParsedArchive.of(new ByteArrayInputStream(archive), limits));
      Limits enough = Limits.builder().maxUnpackedBytes(archive.length).build();
      assertEquals("a=x", ParsedArchive.of(new ByteArrayInputStream(archive), enough).listing());
    }

    @Test
    void next_sumOfLogicalSizesAboveTheLimit_exceedsIt() {
      for (int i = 0; i < 3; i++) {
        tar.pax("GNU.sparse.size", "400000", "GNU.sparse.numblocks", "1", "GNU.sparse.map", "0,0")
            .header(named("a" + i));
      }
      Limits limits = Limits.builder().maxUnpackedBytes(1_000_000).build();
      var e =
          Refusals.assertRefused(
              Kind.LIMIT_EXCEEDED, () -> ParsedArchive.of(tar.end().toStream(), limits));
      assertEquals(OptionalLong.of(2), e.entryIndex());
    }

    @Test
    void next_globalHeaderOf50000Keys_costsNothingLater() throws Exception {
      String[] pairs = new String[60_000];
      for (int i = 0; i < pairs.length; i += 2) {
        pairs[i] = "comment" + i;
        pairs[i + 1] = "v";
      }
      tar.paxGlobal("g", pairs);
      for (int i = 0; i < 2_000; i++) {
        tar.pax("path", "p" + i).file("a", "x");
      }
      assertEquals(2_001, parse(tar.end()).entries().size());
    }

    @Test
    void next_manyEntries_allocatesLittleForEach() throws Exception {
      var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
      assumeTrue(threads.isThreadAllocatedMemorySupported(), "this JVM does not count allocations");
      int entries = 20_000;
      byte[] entry = new TarBuilder().pax("mtime", "1.5").file("usr/share/f", "x").toBytes();
      TarReader reader =
          new TarReader(
              new RepeatingStream(entry, entries), Limits.DEFAULT, TarReader.RawBytes.NONE);
      byte[] buffer = new byte[512];
      long before = threads.getCurrentThreadAllocatedBytes();
      while (reader.next() != null) {
        while (reader.payload().read(buffer) >= 0) {}
      }
      long each = (threads.getCurrentThreadAllocatedBytes() - before) / entries;
      assertTrue(each < 1024, each + " bytes for each entry");
    }

    @Test
    void next_noLimits_takesAMegabyteName() throws Exception {
      String name = "n".repeat(3 << 20);
      tar.gnuName(name).header(named("a")).end();
      assertEquals(name, ParsedArchive.of(tar.toStream(), Limits.NONE).listing());
    }
  }

  /** The promises about use, sources and failures. */
  @Nested
  final class Use {

    @Test
    void next_payloadUnread_isIllegal() throws Exception {
      TarReader reader = reader(tar.file("a", "xyz").end().toStream());
      reader.next();
      reader.payload().read();
      assertThrows(IllegalStateException.class, reader::next);
      reader.payload().readAllBytes();
      assertNull(reader.next());
    }

    @Test
    void next_afterTheEnd_isNull() throws Exception {
      TarReader reader = reader(tar.end().toStream());
      assertNull(reader.next());
      assertNull(reader.next());
    }

    @Test
    void next_afterAFailure_isIllegal() {
      TarReader reader = reader(tar.repeat('x', 512).file("a", "x").end().toStream());
      Refusals.assertRefused(Kind.MALFORMED, reader::next);
      assertThrows(IllegalStateException.class, reader::next);
    }

    @Test
    void drainTail_beforeTheEnd_isIllegal() {
      TarReader reader = reader(tar.file("a", "x").end().toStream());
      assertThrows(IllegalStateException.class, reader::drainTail);
    }

    @Test
    void next_sourceFails_throwsWhatItThrew() {
      IOException broken = new IOException("broken pipe");
      InputStream in =
          new InputStream() {
            @Override
            public int read() throws IOException {
              throw broken;
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
              throw broken;
            }
          };
      assertSame(broken, assertThrows(IOException.class, () -> reader(in).next()));
    }

    @Test
    void next_sourceThatGivesOneByteAtATime_isReadAlike() throws Exception {
      byte[] archive = everything().toBytes();
      ParsedArchive slow = ParsedArchive.of(new SlowStream(archive, 1), Limits.DEFAULT);
      assertEquals(ParsedArchive.of(archive), slow);
      assertEquals(ByteString.of(archive), slow.bytes());
    }

    @Test
    void next_sourceThatGivesNothingNowAndThen_isReadAlike() throws Exception {
      byte[] archive = everything().toBytes();
      assertEquals(
          ParsedArchive.of(archive), ParsedArchive.of(new SlowStream(archive, 0), Limits.DEFAULT));
    }

    @Test
    void next_headerIsThere_doesNotWaitForMore() throws Exception {
      byte[] start = tar.file("a", "x").toBytes();
      InputStream in =
          new ByteArrayInputStream(start) {
            @Override
            public synchronized int read(byte[] target, int offset, int length) {
              if (available() == 0) {
                throw new AssertionError("waits for bytes it does not need");
              }
              return super.read(target, offset, length);
            }
          };
      TarReader reader = reader(in);
      assertEquals("a", reader.next().name().toString());
      assertEquals("x", new String(reader.payload().readNBytes(1), StandardCharsets.US_ASCII));
    }

    @Test
    void payload_largeRead_goesStraightToTheTarget() throws Exception {
      byte[] content = new byte[1 << 20];
      byte[] archive = tar.file(named("big"), content).end().toBytes();
      int[] longest = {0};
      InputStream in =
          new ByteArrayInputStream(archive) {
            @Override
            public synchronized int read(byte[] target, int offset, int length) {
              longest[0] = Math.max(longest[0], length);
              return super.read(target, offset, length);
            }
          };
      TarReader reader = reader(in);
      reader.next();
      byte[] target = new byte[1 << 20];
      int count = reader.payload().readNBytes(target, 0, target.length);
      assertEquals(content.length, count);
      assertTrue(longest[0] > ArchiveInput.BUFFER_BYTES, "longest read: " + longest[0]);
    }

    @Test
    void payload_singleBytes_areUnsigned() throws Exception {
      TarReader reader = reader(tar.file(named("a"), new byte[] {(byte) 0xff, 0}).end().toStream());
      reader.next();
      assertEquals(0xff, reader.payload().read());
      assertEquals(0, reader.payload().read());
      assertEquals(-1, reader.payload().read());
    }

    @Test
    void next_failure_namesTheEntryInPrintableForm() {
      tar.file("first", "x").header(named("a\n\u001b[31m").size(5)).raw(latin1("x"));
      var e = assertMalformed(tar);
      assertEquals(OptionalLong.of(1), e.entryIndex());
      assertEquals(Optional.of("a\\x0a\\x1b[31m"), e.entryName());
    }

    private TarReader reader(InputStream in) {
      return new TarReader(in, Limits.DEFAULT, TarReader.RawBytes.NONE);
    }
  }

  /** The same bytes again and again, not held in memory. */
  private static final class RepeatingStream extends InputStream {
    private final byte[] bytes;
    private final long length;
    long position;

    RepeatingStream(byte[] bytes, long times) {
      this.bytes = bytes;
      this.length = bytes.length * times;
    }

    @Override
    public int read() {
      return position == length ? -1 : bytes[(int) (position++ % bytes.length)] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int count) {
      int done = 0;
      for (int next; done < count && (next = read()) >= 0; done++) {
        target[offset + done] = (byte) next;
      }
      return done == 0 ? -1 : done;
    }
  }

  /** Gives at most one byte, and now and then none if asked to. */
  private static final class SlowStream extends InputStream {
    private final InputStream in;
    private final int least;
    private int calls;

    SlowStream(byte[] bytes, int least) {
      this.in = new ByteArrayInputStream(bytes);
      this.least = least;
    }

    @Override
    public int read() throws IOException {
      return in.read();
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      return in.read(target, offset, least == 0 && calls++ % 3 == 0 ? 0 : 1);
    }
  }
}
