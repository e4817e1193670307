package io.layerstore.core.codec;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** Compresses for tests. */
final class Compress {

  private Compress() {}

  static byte[] with(CompressionFormat format, byte[] plain) throws IOException {
    return switch (format) {
      case NONE -> plain;
      case GZIP -> gzip(plain);
      case BZIP2 -> bzip2(plain);
      case XZ -> xz(plain, 1 << 16);
      case ZSTD -> Zstd.compress(plain);
    };
  }

  static byte[] gzip(byte[] plain) throws IOException {
    return written(plain, GZIPOutputStream::new);
  }

  static byte[] bzip2(byte[] plain) throws IOException {
    return written(plain, out -> new BZip2CompressorOutputStream(out, 1)); // small blocks
  }

  static byte[] xz(byte[] plain, int dictionaryBytes) throws IOException {
    LZMA2Options options = new LZMA2Options(1);
    options.setDictSize(dictionaryBytes);
    return written(plain, out -> new XZOutputStream(out, options));
  }

  /**
   * A gzip member with these flags, header fields as they are, and all checksums right but for what
   * {@code fields} says.
   */
  static byte[] gzipMember(int flags, byte[] fields, byte[] plain) {
    Deflater deflater = new Deflater(Deflater.DEFAULT_COMPRESSION, true);
    deflater.setInput(plain);
    deflater.finish();
    byte[] deflated = new byte[plain.length + 64];
    int length = deflater.deflate(deflated);
    deflater.end();
    CRC32 crc = new CRC32();
    crc.update(plain);
    return ByteBuffer.allocate(10 + fields.length + length + 8)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(new byte[] {0x1f, (byte) 0x8b, 8, (byte) flags, 1, 2, 3, 4, 0, 3})
        .put(fields)
        .put(deflated, 0, length)
        .putInt((int) crc.getValue())
        .putInt(plain.length)
        .array();
  }

  static byte[] zstdSkippableFrame(int nibble, byte[] content) {
    return ByteBuffer.allocate(8 + content.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(0x184D2A50 + nibble)
        .putInt(content.length)
        .put(content)
        .array();
  }

  static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static byte[] written(byte[] plain, Compressor compressor) throws IOException {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (OutputStream out = compressor.wrap(compressed)) {
      out.write(plain);
    }
    return compressed.toByteArray();
  }

  private interface Compressor {
    OutputStream wrap(OutputStream out) throws IOException;
  }
}
