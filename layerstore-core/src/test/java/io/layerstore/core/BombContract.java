package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.github.luben.zstd.ZstdOutputStream;
import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.DiffId;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/**
 * Small compressed archives that unpack to more than the store takes: a limit stops them, and the
 * store is as it was.
 */
abstract class BombContract {

  private static final int MIB = 1 << 20;
  private static final int UNPACKED_MIB = 64;

  /** The formats of compressed archives. */
  enum Format {
    GZIP {
      @Override
      OutputStream wrap(OutputStream out) throws IOException {
        return new GZIPOutputStream(out);
      }
    },
    BZIP2 {
      @Override
      OutputStream wrap(OutputStream out) throws IOException {
        return new BZip2CompressorOutputStream(out);
      }
    },
    XZ {
      @Override
      OutputStream wrap(OutputStream out) throws IOException {
        return new XZOutputStream(out, new LZMA2Options(0));
      }
    },
    ZSTD {
      @Override
      OutputStream wrap(OutputStream out) throws IOException {
        return new ZstdOutputStream(out);
      }
    };

    abstract OutputStream wrap(OutputStream out) throws IOException;
  }

  private Path root;
  private LayerStore store;
  private List<String> before;

  /** An empty directory, or the path of one that can be made. */
  abstract Path newRoot() throws IOException;

  /** Called when a test and all checks after it are done. */
  void discardRoot() throws IOException {}

  private LayerStore open(Limits limits) throws IOException {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE).limits(limits).open();
  }

  @BeforeEach
  void openStore() throws IOException {
    root = newRoot();
    store = open(Limits.builder().maxUnpackedBytes(8L * MIB).build());
    store
        .register(
            LayerSource.of(new TarBuilder().file("good", "1").end().toBytes()),
            RegisterOptions.DEFAULT)
        .close();
    before = contents();
  }

  @AfterEach
  void storeIsAsItWasAndWorks() throws IOException {
    assertEquals(before, contents());
    byte[] tar = new TarBuilder().file("after", "1").end().toBytes();
    try (Layer layer = store.register(LayerSource.of(tar), RegisterOptions.DEFAULT);
        InputStream exported = layer.tarStream()) {
      assertArrayEquals(tar, exported.readAllBytes());
    }
    store.close();
    discardRoot();
  }

  private List<String> contents() throws IOException {
    try (Stream<Path> paths = Files.walk(root)) {
      return paths
          .map(path -> root.relativize(path).toString().replace('\\', '/'))
          // The lease has another name each time the store is opened.
          .filter(path -> !path.startsWith("layerstore/"))
          .sorted()
          .toList();
    }
  }

  private ArchiveException refused(InputStream archive) {
    return Refusals.assertRefused(
        Kind.LIMIT_EXCEEDED, () -> store.register(archive, RegisterOptions.DEFAULT));
  }

  private static byte[] compressed(Format format, byte[] head, int zeroMiBs) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = format.wrap(bytes)) {
      out.write(head);
      for (int i = 0; i < zeroMiBs; i++) {
        out.write(new byte[MIB]);
      }
    }
    return bytes.toByteArray();
  }

  @ParameterizedTest
  @EnumSource
  void register_fileOfZeros_exceedsUnpackedBytes(Format format) throws IOException {
    byte[] head =
        new TarBuilder()
            .file("first", "1")
            .header(TarHeaderBlock.named("zeros").size((long) UNPACKED_MIB * MIB))
            .toBytes();
    ArchiveException e = refused(new ByteArrayInputStream(compressed(format, head, UNPACKED_MIB)));
    assertEquals(OptionalLong.of(8L * MIB), e.limit());
  }

  @ParameterizedTest
  @EnumSource
  void register_zerosAfterTheEnd_exceedUnpackedBytes(Format format) throws IOException {
    byte[] head = new TarBuilder().file("first", "1").end().toBytes();
    refused(new ByteArrayInputStream(compressed(format, head, UNPACKED_MIB)));
  }

  @ParameterizedTest
  @EnumSource
  void register_beyondTheRatio_isRefused(Format format) throws IOException {
    store.close();
    store = open(Limits.builder().maxCompressionRatio(2).build());
    byte[] head = new TarBuilder().header(TarHeaderBlock.named("zeros").size(32L * MIB)).toBytes();
    ArchiveException e = refused(new ByteArrayInputStream(compressed(format, head, 33)));
    assertEquals(Optional.of("maxCompressionRatio"), e.limitName());
  }

  @ParameterizedTest
  @EnumSource
  void register_compressedGarbage_isMalformed(Format format) throws IOException {
    byte[] garbage = new byte[10_000];
    new Random(17).nextBytes(garbage);
    ByteArrayInputStream archive = new ByteArrayInputStream(compressed(format, garbage, 0));
    Refusals.assertRefused(Kind.MALFORMED, () -> store.register(archive, RegisterOptions.DEFAULT));
  }

  @Test
  void register_xzThatWantsAGibibyte_isRefused() throws IOException {
    byte[] archive = compressed(Format.XZ, new TarBuilder().file("first", "1").end().toBytes(), 0);
    // The header of the first block follows 12 bytes: size, flags, filter, properties' size,
    // dictionary size.
    assertEquals(0x21, archive[14]);
    archive[16] = 36; // 1 GiB
    CRC32 crc = new CRC32();
    int headerBytes = (archive[12] + 1) * 4;
    crc.update(archive, 12, headerBytes - 4);
    for (int i = 0; i < 4; i++) {
      archive[12 + headerBytes - 4 + i] = (byte) (crc.getValue() >> (8 * i));
    }
    refused(new ByteArrayInputStream(archive));
  }

  @Test
  void register_zstdWithAWindowOfAGibibyte_isRefused() {
    // A frame header: magic, descriptor without single segment, window descriptor 2^30.
    byte[] frame = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0, (byte) ((30 - 10) << 3), 1, 0, 0};
    assertThrows(
        LayerStoreException.class,
        () -> store.register(new ByteArrayInputStream(frame), RegisterOptions.DEFAULT));
  }

  @Test
  void register_gzipWithANameOf64MiB_isRefusedBeforeItsEnd() {
    byte[] header = {0x1f, (byte) 0x8b, 8, 1 << 3, 0, 0, 0, 0, 0, 3};
    CountingStream name = new CountingStream(64L * MIB);
    refused(new SequenceInputStream(new ByteArrayInputStream(header), name));
    assertEquals(0, name.count / MIB, "MiB read");
  }

  @Test
  void register_halfAMillionEmptyGzipMembers_isTheEmptyLayer() throws IOException {
    byte[] member = compressed(Format.GZIP, new byte[0], 0);
    ByteArrayOutputStream members = new ByteArrayOutputStream(500_000 * member.length);
    for (int i = 0; i < 500_000; i++) {
      members.write(member);
    }
    members.write(compressed(Format.GZIP, new byte[1024], 0));
    Layer layer =
        store.register(new ByteArrayInputStream(members.toByteArray()), RegisterOptions.DEFAULT);
    assertEquals(DiffId.EMPTY_TAR, layer.diffId());
    store.release(layer);
  }

  /** So many letters. */
  private static final class CountingStream extends InputStream {
    private final long length;
    private long count;

    CountingStream(long length) {
      this.length = length;
    }

    @Override
    public int read() {
      return count++ < length ? 'x' : -1;
    }

    @Override
    public int read(byte[] target, int offset, int wanted) {
      int given = (int) Math.min(wanted, length - count);
      if (given <= 0) {
        return -1;
      }
      Arrays.fill(target, offset, offset + given, (byte) 'x');
      count += given;
      return given;
    }
  }
}
