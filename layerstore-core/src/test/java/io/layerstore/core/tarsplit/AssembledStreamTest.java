package io.layerstore.core.tarsplit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.io.ByteStreams;
import io.layerstore.ByteString;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.LayerPath;
import io.layerstore.LayerVerificationException;
import io.layerstore.Limits;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.core.tarsplit.Entry.SegmentEntry;
import io.layerstore.spi.FileGetter;
import io.layerstore.testing.AppendixA;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class AssembledStreamTest {

  @Nested
  class Exact {

    @ParameterizedTest
    @EnumSource(
        value = AppendixA.class,
        names = {
          "PLAIN", "GARBAGE", "ZEROPAD", "NOEND", "ONEBLK", "EMPTY0", "EMPTY1024", "EMPTY10240",
              "NONUTF8", "HL0", "PG1",
          "ABS", "DOTSLASH", "HLABS", "SYMESC", "SYMPARENT2", "ABSSYMDIR", "WH", "PLNK", "WHROOT",
              "IMPLIED", "LONGGNU",
          "TWO_BASE", "TWO_TOP"
        })
    void read_knownArchive_isItsBytes(AppendixA archive) throws IOException {
      SplitLayer layer = SplitLayer.of(archive.bytes());

      try (InputStream tar = layer.assemble()) {
        assertArrayEquals(archive.bytes(), tar.readAllBytes());
      }
      assertEquals(archive.diffId(), layer.diffId().toString());
    }

    @Test
    void read_randomLayersInRandomPieces_isTheirBytes() throws IOException {
      Random random = new Random(8);
      for (int i = 0; i < 200; i++) {
        SplitLayer layer = randomLayer(random);
        ByteArrayOutputStream tar = new ByteArrayOutputStream();
        byte[] buffer = new byte[1 + random.nextInt(3000)];
        try (InputStream assembled = layer.assemble()) {
          int count;
          while ((count = assembled.read(buffer, 0, 1 + random.nextInt(buffer.length))) >= 0) {
            tar.write(buffer, 0, count);
          }
        }

        assertArrayEquals(layer.tar(), tar.toByteArray(), "layer " + i);
        assertEquals(0, layer.files().open());
      }
    }

    @Test
    void read_byteByByte_isTheBytes() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.TWO_BASE.bytes());
      ByteArrayOutputStream tar = new ByteArrayOutputStream();
      try (InputStream assembled = layer.assemble()) {
        int b;
        while ((b = assembled.read()) >= 0) {
          tar.write(b);
        }
      }

      assertArrayEquals(layer.tar(), tar.toByteArray());
    }

    @Test
    void read_anyLength_isFilledExceptAtTheEnd() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      try (InputStream assembled = layer.assemble()) {
        assertEquals(2000, assembled.read(new byte[2000]));
        assertEquals(48, assembled.read(new byte[2000]));
        assertEquals(-1, assembled.read(new byte[2000]));
        assertEquals(-1, assembled.read());
      }
    }

    @Test
    void read_otherSegmentBoundaries_isTheSameBytes() throws IOException {
      byte[] plain = AppendixA.PLAIN.bytes();
      List<Entry> entries = new ArrayList<>();
      for (int i = 0; i < 512; i++) {
        entries.add(segment(plain, i, 1));
        entries.add(segment(plain, i, 0));
      }
      entries.add(new FileEntry(ByteString.utf8("a.txt"), 6, 0x614c3eeee2d81000L));
      entries.add(segment(plain, 518, 7));
      entries.add(segment(plain, 525, plain.length - 525));
      FakeFiles files = new FakeFiles().put("a.txt", bytes("hello\n"));

      assertArrayEquals(plain, assemble(entries, files, plain).readAllBytes());
    }

    @Test
    void read_emptyDocument_isNoBytes() throws IOException {
      assertEquals(-1, assemble(List.of(), new FakeFiles(), new byte[0]).read());
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "etc/x",
          "./etc/x",
          "/etc/x",
          "//etc//x",
          "etc/./x",
          "etc/../etc/x",
          "a/b/../../etc/x",
          "etc/x/"
        })
    void read_nameInAnyForm_isThePathInTheLayer(String name) throws IOException {
      SplitLayer layer = new SplitLayer().file(name, "1").end();

      assertArrayEquals(bytes("1"), layer.assemble().readAllBytes());
      assertEquals(List.of(LayerPath.of("etc/x")), layer.files().asked());
    }

    /** Docker registers and exports this layer: its check for duplicates does not resolve names. */
    @Test
    void read_relativeAndAbsoluteNameOfOneFile_isRead() throws IOException {
      SplitLayer layer = new SplitLayer().file("a", "same").file("/a", "same").end();

      assertArrayEquals(bytes("samesame"), layer.assemble().readAllBytes());
    }

    @Test
    void read_emptyFiles_areNotOpened() throws IOException {
      SplitLayer layer =
          new SplitLayer().file("a", "").file("../a", "").file("a", "").raw(new byte[3]).end();

      assertArrayEquals(new byte[3], layer.assemble().readAllBytes());
      assertEquals(List.of(), layer.files().asked());
    }

    @Test
    void read_nothing_readsNothing() throws IOException {
      assertEquals(0, SplitLayer.of(AppendixA.PLAIN.bytes()).assemble().read(new byte[0]));
    }
  }

  @Nested
  class Changed {

    @Test
    void read_fileWithOtherContent_namesTheFile() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      layer.files().put("a.txt", bytes("jello\n"));

      LayerVerificationException thrown =
          assertThrows(LayerVerificationException.class, () -> layer.assemble().readAllBytes());

      assertEquals("file integrity checksum failed for \"a.txt\"", thrown.getMessage());
      assertEquals(Optional.of("a.txt"), thrown.path());
    }

    @Test
    void read_fileWithOtherContent_holdsBackItsLastByte() throws IOException {
      SplitLayer layer = new SplitLayer().file("a", "0123456789").raw(new byte[10]).end();
      layer.files().put("a", bytes("012345678X"));
      InputStream assembled = layer.assemble();

      assertEquals(9, assembled.read(new byte[9]));
      assertThrows(LayerVerificationException.class, assembled::read);
    }

    @Test
    void read_missingFile_isTheFailureOfTheGetter() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      layer.files().remove(LayerPath.of("a.txt"));

      assertThrows(LayerVerificationException.class, () -> layer.assemble().readAllBytes());
    }

    @Test
    void read_fileOfOtherSize_emitsNothingOfIt() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      layer.files().put("a.txt", bytes("secret of another size"));
      InputStream assembled = layer.assemble();

      assertEquals(511, assembled.read(new byte[511]));
      assertThrows(LayerVerificationException.class, assembled::read);
    }

    @Test
    void read_fileThatShrinks_namesTheFile() throws IOException {
      SplitLayer layer = new SplitLayer().file("a", "0123456789").end();
      FileGetter shrinking =
          new FileGetter() {
            @Override
            public InputStream open(LayerPath path, long sizeBytes) {
              return new ByteArrayInputStream(bytes("01234"));
            }

            @Override
            public void close() {}
          };

      LayerVerificationException thrown =
          assertThrows(
              LayerVerificationException.class,
              () -> assemble(layer.entries(), shrinking, layer.tar()).readAllBytes());

      assertEquals(Optional.of("a"), thrown.path());
    }

    @Test
    void read_fileThatGrows_takesTheSizeRecorded() throws IOException {
      SplitLayer layer = new SplitLayer().file("a", "0123456789").end();
      FileGetter growing =
          new FileGetter() {
            @Override
            public InputStream open(LayerPath path, long sizeBytes) {
              return new ByteArrayInputStream(bytes("0123456789 and more"));
            }

            @Override
            public void close() {}
          };

      assertArrayEquals(
          layer.tar(), assemble(layer.entries(), growing, layer.tar()).readAllBytes());
    }

    @Test
    void read_otherDiffId_saysWhatItMayMean() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      DiffId other = DiffId.EMPTY_TAR;
      InputStream assembled =
          new AssembledStream(
              new ByteArrayInputStream(layer.document()),
              SplitLayer.DOCUMENT,
              layer.files(),
              other,
              Runnable::run);

      LayerVerificationException thrown =
          assertThrows(LayerVerificationException.class, assembled::readAllBytes);

      assertTrue(
          thrown
              .getMessage()
              .startsWith(
                  "could not verify layer data for: "
                      + other
                      + ". This may be because internal files in the layer store were modified. "),
          thrown.getMessage());
      assertEquals(Optional.of(other.digest()), thrown.expected());
      assertEquals(Optional.of(layer.diffId().digest()), thrown.actual());
    }

    @Test
    void read_otherDiffId_holdsBackTheLastByte() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      InputStream assembled =
          new AssembledStream(
              new ByteArrayInputStream(layer.document()),
              SplitLayer.DOCUMENT,
              layer.files(),
              DiffId.EMPTY_TAR,
              Runnable::run);

      assertEquals(2047, assembled.read(new byte[2047]));
      assertThrows(LayerVerificationException.class, assembled::read);
    }

    @Test
    void read_documentOfAnotherLayer_fails() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      SplitLayer other = SplitLayer.of(AppendixA.TWO_BASE.bytes());
      InputStream swapped =
          new AssembledStream(
              new ByteArrayInputStream(other.document()),
              SplitLayer.DOCUMENT,
              layer.files(),
              layer.diffId(),
              Runnable::run);

      assertThrows(LayerVerificationException.class, swapped::readAllBytes);
    }

    @Test
    void read_afterAFailure_failsAgain() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      layer.files().put("a.txt", bytes("jello\n"));
      InputStream assembled = layer.assemble();

      IOException first = assertThrows(IOException.class, assembled::readAllBytes);

      assertSame(first, assertThrows(IOException.class, assembled::read));
      assertSame(first, assertThrows(IOException.class, () -> assembled.read(new byte[10])));
    }
  }

  @Nested
  class Damaged {

    @ParameterizedTest
    @ValueSource(
        strings = {"../x", "/../x", "a/../../x", "..", "./..", "", ".", "/", "a/..", "a\u0000b"})
    void read_nameThatIsNoFileInTheLayer_opensNothing(String name) throws IOException {
      FakeFiles files = new FakeFiles();
      List<Entry> entries = List.of(new FileEntry(ByteString.utf8(name), 1, 2));

      assertThrows(
          StoreCorruptedException.class,
          () -> assemble(entries, files, new byte[0]).readAllBytes());
      assertEquals(List.of(), files.asked());
    }

    @Test
    void read_secondFileOfOneAbsoluteName_isADuplicate() throws IOException {
      SplitLayer layer = new SplitLayer().file("/a", "same").file("/./a", "same").end();

      assertThrows(StoreCorruptedException.class, () -> layer.assemble().readAllBytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "./a", "a/", "b/../a"})
    void read_secondFileOfOnePath_isADuplicate(String name) throws IOException {
      FakeFiles files = new FakeFiles().put("a", bytes("x"));
      long crc = SplitLayer.crc(bytes("x"));
      List<Entry> entries =
          List.of(
              new FileEntry(ByteString.utf8("a"), 1, crc),
              new FileEntry(ByteString.utf8(name), 1, crc));

      StoreCorruptedException thrown =
          assertThrows(
              StoreCorruptedException.class,
              () -> assemble(entries, files, bytes("xx")).readAllBytes());

      assertTrue(
          thrown.getMessage().contains("duplicates of file paths not supported"),
          thrown.getMessage());
      assertEquals(1, files.asked().size());
    }

    @Test
    void read_documentCutOff_neverEndsShort() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      byte[] document = layer.document();
      for (int length = 0; length < document.length - 1; length++) {
        byte[] cut = Arrays.copyOf(document, length);
        InputStream assembled =
            new AssembledStream(
                new ByteArrayInputStream(cut),
                SplitLayer.DOCUMENT,
                layer.files(),
                layer.diffId(),
                Runnable::run);

        IOException thrown = assertThrows(IOException.class, assembled::readAllBytes);

        assertTrue(
            thrown instanceof StoreCorruptedException
                || thrown instanceof LayerVerificationException,
            () -> thrown.toString());
      }
    }

    @Test
    void read_flippedBits_isTheArchiveOrATypedError() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.TWO_BASE.bytes());
      Random random = new Random(9);
      for (int i = 0; i < 5000; i++) {
        byte[] damaged = layer.document();
        damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
        try (InputStream assembled =
            new AssembledStream(
                new ByteArrayInputStream(damaged),
                SplitLayer.DOCUMENT,
                layer.files(),
                layer.diffId(),
                Runnable::run)) {
          assertArrayEquals(layer.tar(), assembled.readAllBytes());
        } catch (StoreCorruptedException | LayerVerificationException expected) {
          assertEquals(0, layer.files().open(), expected.toString());
        }
      }
    }

    @Test
    void read_compressedDocumentCutOffAnywhere_neverEndsShort() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      byte[] compressed = gzip(layer.document());
      for (int length = 0; length < compressed.length; length++) {
        InputStream cut = new ByteArrayInputStream(compressed, 0, length);
        InputStream assembled =
            new AssembledStream(
                Decompression.open(cut, Limits.DEFAULT),
                SplitLayer.DOCUMENT,
                layer.files(),
                layer.diffId(),
                Runnable::run);

        IOException thrown = assertThrows(IOException.class, assembled::readAllBytes);

        assertTrue(
            thrown instanceof StoreCorruptedException
                || thrown instanceof LayerVerificationException,
            () -> thrown.toString());
      }
    }

    @Test
    void read_compressedLineOfAGibibyte_isCorruptedEarly() throws IOException {
      byte[] member = gzip("A".repeat(16 << 20).getBytes(StandardCharsets.US_ASCII));
      ByteArrayOutputStream bomb = new ByteArrayOutputStream();
      bomb.writeBytes(gzip(bytes("{\"type\":2,\"payload\":\"")));
      for (int i = 0; i < 64; i++) {
        bomb.writeBytes(member);
      }
      DecompressedStream document =
          Decompression.open(new ByteArrayInputStream(bomb.toByteArray()), Limits.DEFAULT);
      InputStream assembled =
          new AssembledStream(
              document, SplitLayer.DOCUMENT, new FakeFiles(), DiffId.EMPTY_TAR, Runnable::run);

      assertThrows(StoreCorruptedException.class, assembled::readAllBytes);
      assertTrue(document.compressedBytes() < 3L * member.length + (128 << 10), "read no further");
    }

    @Test
    void read_largeFile_allocatesLittle() throws IOException {
      assumeTrue(
          ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean,
          "this JVM does not count allocated bytes");
      com.sun.management.ThreadMXBean threads =
          (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
      long size = 64L << 20;
      Crc64 crc = new Crc64();
      MessageDigest sha256 = Digest.Algorithm.SHA256.newMessageDigest();
      byte[] buffer = new byte[64 << 10];
      for (long at = 0; at < size; at += buffer.length) {
        crc.update(buffer, 0, buffer.length);
        sha256.update(buffer);
      }
      ByteArrayOutputStream document = new ByteArrayOutputStream();
      EntryWriter writer = new EntryWriter(document);
      writer.file(ByteString.utf8("zeros"), size, crc.getValue());
      writer.flush();
      FileGetter zeros =
          new FileGetter() {
            @Override
            public InputStream open(LayerPath path, long sizeBytes) {
              return ByteStreams.limit(new Zeros(), sizeBytes);
            }

            @Override
            public void close() {}
          };
      InputStream assembled =
          new AssembledStream(
              new ByteArrayInputStream(document.toByteArray()),
              SplitLayer.DOCUMENT,
              zeros,
              new DiffId(Digest.sha256(sha256.digest())),
              Runnable::run);
      long before = threads.getCurrentThreadAllocatedBytes();

      long length = 0;
      int count;
      while ((count = assembled.read(buffer)) >= 0) {
        length += count;
      }

      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertEquals(size, length);
      assertTrue(allocated < 2 << 20, () -> allocated + " bytes were allocated");
    }

    @Test
    void read_documentCannotBeRead_throwsThat() throws IOException {
      IOException failure = new IOException("disk");
      InputStream broken =
          new InputStream() {
            @Override
            public int read() throws IOException {
              throw failure;
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
              throw failure;
            }
          };
      InputStream assembled =
          new AssembledStream(
              broken, SplitLayer.DOCUMENT, new FakeFiles(), DiffId.EMPTY_TAR, Runnable::run);

      assertSame(failure, assertThrows(IOException.class, assembled::readAllBytes));
    }
  }

  @Nested
  class Closing {

    @Test
    void close_midwayInAFile_closesEverything() throws IOException {
      boolean[] documentClosed = {false};
      SplitLayer layer = new SplitLayer().file("a", "0123456789").end();
      InputStream document =
          new ByteArrayInputStream(layer.document()) {
            @Override
            public void close() {
              documentClosed[0] = true;
            }
          };
      InputStream assembled =
          new AssembledStream(
              document, SplitLayer.DOCUMENT, layer.files(), layer.diffId(), Runnable::run);
      assertEquals('0', assembled.read());
      assertEquals(1, layer.files().open());

      assembled.close();

      assertEquals(0, layer.files().open());
      assertTrue(layer.files().isClosed());
      assertTrue(documentClosed[0]);
    }

    @Test
    void close_twice_isHarmless() throws IOException {
      InputStream assembled = SplitLayer.of(AppendixA.PLAIN.bytes()).assemble();
      assembled.close();
      assembled.close();
    }

    @Test
    void read_afterClose_fails() throws IOException {
      InputStream assembled = SplitLayer.of(AppendixA.PLAIN.bytes()).assemble();
      assembled.close();

      assertThrows(IOException.class, assembled::read);
    }

    @Test
    void close_beforeTheEnd_doesNotVerify() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      layer.files().put("a.txt", bytes("jello\n"));
      InputStream assembled = layer.assemble();
      assertFalse(assembled.read() < 0);

      assembled.close();
    }
  }

  private static SplitLayer randomLayer(Random random) throws IOException {
    SplitLayer layer = new SplitLayer();
    for (int i = random.nextInt(20); i > 0; i--) {
      byte[] raw = new byte[random.nextInt(2000)];
      random.nextBytes(raw);
      layer.raw(raw);
      byte[] content = new byte[random.nextInt(4) == 0 ? 0 : random.nextInt(5000)];
      random.nextBytes(content);
      layer.file(ByteString.utf8("d/" + i), content);
    }
    byte[] tail = new byte[random.nextInt(70_000)];
    random.nextBytes(tail);
    return layer.endOfArchive().raw(tail).end();
  }

  private static InputStream assemble(List<Entry> entries, FileGetter files, byte[] tar)
      throws IOException {
    ByteArrayOutputStream document = new ByteArrayOutputStream();
    EntryWriter writer = new EntryWriter(document);
    for (Entry entry : entries) {
      writer.write(entry);
    }
    writer.flush();
    return new AssembledStream(
        new ByteArrayInputStream(document.toByteArray()),
        SplitLayer.DOCUMENT,
        files,
        new DiffId(Digest.sha256Of(tar)),
        Runnable::run);
  }

  private static byte[] gzip(byte[] plain) throws IOException {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(compressed)) {
      out.write(plain);
    }
    return compressed.toByteArray();
  }

  private static SegmentEntry segment(byte[] bytes, int offset, int length) {
    return new SegmentEntry(ByteString.of(bytes, offset, length));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static final class Zeros extends InputStream {
    @Override
    public int read() {
      return 0;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
      Arrays.fill(target, offset, offset + length, (byte) 0);
      return length;
    }
  }
}
