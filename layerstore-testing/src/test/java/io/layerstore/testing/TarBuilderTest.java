package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The fixtures are what the tables say, byte for byte. */
final class TarBuilderTest {

  @ParameterizedTest
  @EnumSource
  void bytes_ofEachVector_haveTheListedDigest(AppendixA vector) throws Exception {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(vector.bytes());
    assertEquals(vector.sha256(), HexFormat.of().formatHex(digest));
  }

  @Test
  void record_lengthThatGrowsByCountingItself_countsItself() {
    // 98 bytes without the digits: two digits would make it 100, which needs three.
    byte[] record = TarBuilder.record("k", "v".repeat(94).getBytes(StandardCharsets.US_ASCII));
    assertEquals(101, record.length);
    assertArrayEquals("101 k=".getBytes(StandardCharsets.US_ASCII), Arrays.copyOf(record, 6));
  }

  @Test
  void number_tooLargeForOctalDigits_isBase256() {
    byte[] block = TarHeaderBlock.named("a").uid(1L << 32).toBytes();
    assertEquals("8000000100000000", HexFormat.of().formatHex(block, 108, 116));
  }

  @Test
  void number_negative_isBase256InTwosComplement() {
    byte[] block = TarHeaderBlock.named("a").modified(-5).toBytes();
    assertEquals("fffffffffffffffffffffffb", HexFormat.of().formatHex(block, 136, 148));
  }

  @Test
  void signedChecksum_countsHighBytesAsNegative() {
    byte[] name = {(byte) 0xe9};
    byte[] unsigned = TarHeaderBlock.named(name).toBytes();
    byte[] signed = TarHeaderBlock.named(name).signedChecksum().toBytes();
    assertEquals(256, checksum(unsigned) - checksum(signed));
  }

  private static int checksum(byte[] block) {
    return Integer.parseInt(new String(block, 148, 6, StandardCharsets.US_ASCII), 8);
  }
}
