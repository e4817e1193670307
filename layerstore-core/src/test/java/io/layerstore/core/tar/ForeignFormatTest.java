package io.layerstore.core.tar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.TarBuilder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is said of things that are no tar. */
final class ForeignFormatTest {

  @ParameterizedTest
  @CsvSource({
    "HTML, '<!DOCTYPE html><title>404</title>'",
    "HTML, '\r\n  <HTML>'",
    "XML, '<?xml version=\"1.0\"?><Error/>'",
    "JSON, '{\"errors\":[{\"code\":\"UNAUTHORIZED\"}]}'",
    "JSON, ' [1]'",
    "JSON, '\u00ef\u00bb\u00bf{}'",
    "GIT_LFS_POINTER, 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n'",
    "SCRIPT, '#!/bin/sh\n'",
    "TEXT, 'Not Found\n'",
    "TEXT, 'nicht gef\u00c3\u00bcnden'",
    "ZIP, 'PK\u0003\u0004\u0014\u0000'",
    "CPIO, '070701000'",
    "DEB, '!<arch>\ndebian-binary'",
    "GZIP, '\u001f\u008b\u0008'",
  })
  void detect_beginning_isTheFormat(ForeignFormat expected, String start) {
    byte[] bytes = start.getBytes(StandardCharsets.ISO_8859_1);
    assertEquals(expected, ForeignFormat.detect(bytes, bytes.length).orElseThrow());
  }

  @Test
  void detect_binaryOfNoKnownKind_isEmpty() {
    assertTrue(ForeignFormat.detect(new byte[] {1, 2, 3, 4}, 4).isEmpty());
  }

  @Test
  void detect_nothing_isEmpty() {
    assertTrue(ForeignFormat.detect(new byte[0], 0).isEmpty());
  }

  @Test
  void detect_bytesAfterTheLength_doNotCount() {
    assertTrue(
        ForeignFormat.detect("\0\0\0\0<html>".getBytes(StandardCharsets.UTF_8), 4).isEmpty());
  }

  @ParameterizedTest
  @EnumSource(ForeignFormat.class)
  void description_any_isForTheEndOfASentence(ForeignFormat format) {
    assertFalse(format.description().endsWith("."), format.description());
  }

  @ParameterizedTest
  @CsvSource({"20", "511", "512", "5000"})
  void next_pageInPlaceOfAnArchive_saysWhatItLooksLike(int length) {
    var e = assertMalformed(Arrays.copyOf(page(length), length));
    assertEquals(
        "layer archive: not a tar: it looks like an HTML page, such as a server sends in place of a"
            + " file",
        e.getMessage());
    assertTrue(e.entryIndex().isEmpty());
  }

  @Test
  void next_damagedHeaderWithAMagic_isNotTakenForText() {
    byte[] archive = new TarBuilder().file("[a]", "x").end().toBytes();
    archive[1] = 'b';
    var e = assertMalformed(archive);
    assertEquals("layer archive entry 0: invalid tar header: wrong checksum", e.getMessage());
  }

  @Test
  void next_textAfterAnEntry_isADamagedArchive() {
    byte[] archive = new TarBuilder().file("a", "x").raw(page(600)).toBytes();
    var e = assertMalformed(archive);
    assertEquals("layer archive entry 1: invalid tar header: wrong checksum", e.getMessage());
  }

  private static byte[] page(int length) {
    return ("<html>" + "x".repeat(length)).getBytes(StandardCharsets.UTF_8);
  }

  private static ArchiveException assertMalformed(byte[] archive) {
    return Refusals.assertRefused(Kind.MALFORMED, () -> ParsedArchive.of(archive));
  }
}
