package io.layerstore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Content digests, and the diff IDs made of them. */
final class DigestTest {

  private static final String HEX =
      "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

  @Test
  void parse_sha256_printsTheSame() {
    assertEquals("sha256:" + HEX, Digest.parse("sha256:" + HEX).toString());
    assertEquals(HEX, Digest.parse("sha256:" + HEX).hex());
  }

  @Test
  void parse_longerAlgorithms_accepted() {
    assertEquals(Digest.Algorithm.SHA512, Digest.parse("sha512:" + HEX + HEX).algorithm());
    assertEquals(Digest.Algorithm.SHA384, Digest.parse("sha384:" + "ab".repeat(48)).algorithm());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":",
        "sha256:",
        ":" + HEX,
        HEX,
        "sha256:" + HEX + "0",
        "sha256:../../etc/passwd",
        "sha256:5F70BF18A086007016E948B04AED3B82103A36BEA41755B6CDDFAF10ACE3C6EF",
        "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6e",
        "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6eg",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha512:" + HEX
      })
  void parse_invalidText_illegalArgument(String text) {
    assertThrows(IllegalArgumentException.class, () -> Digest.parse(text));
  }

  @Test
  void parse_invalidText_messageNamesItPrintably() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Digest.parse("sha256:\u001b[31m"));
    assertTrue(e.getMessage().contains("\\x1b[31m"), e.getMessage());
  }

  @Test
  void sha256Of_emptyTar_wellKnownDiffId() {
    assertEquals(DiffId.EMPTY_TAR.digest(), Digest.sha256Of(new byte[1024]));
  }

  @Test
  void sha256Of_text_knownDigest() {
    assertEquals(
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        Digest.sha256Of("abc".getBytes(StandardCharsets.US_ASCII)).toString());
  }

  @Test
  void diffIdAndChainId_otherAlgorithm_illegalArgument() {
    Digest sha512 = Digest.parse("sha512:" + HEX + HEX);
    assertThrows(IllegalArgumentException.class, () -> new DiffId(sha512));
    assertThrows(IllegalArgumentException.class, () -> new ChainId(sha512));
  }

  @Test
  void compareTo_byAlgorithmThenHex() {
    Digest low = Digest.parse("sha256:" + "0".repeat(64));
    Digest high = Digest.parse("sha256:" + "f".repeat(64));
    Digest other = Digest.parse("sha512:" + "0".repeat(128));
    assertTrue(low.compareTo(high) < 0 && high.compareTo(other) < 0);
  }
}
