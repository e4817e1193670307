package io.layerstore.core.tar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ByteString;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.testing.AppendixA;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The archives whose treatment by Docker is known: each is taken, and handed out whole, or refused.
 */
final class AppendixAParsingTest {

  private static final EntryMapper MAPPER = new EntryMapper(Limits.DEFAULT, false);

  @ParameterizedTest
  @EnumSource
  void read_eachVector_isHandedOutWholeOrRefused(AppendixA vector) throws Exception {
    // Whether the target of a hard link exists is for the driver to find out.
    if (vector.isAccepted() || vector == AppendixA.HLMISS) {
      assertEquals(ByteString.of(vector.bytes()), readAndMap(vector.bytes()).bytes());
    } else {
      vector.assertRefusedBy(
          assertThrows(LayerStoreException.class, () -> readAndMap(vector.bytes())));
    }
  }

  private static ParsedArchive readAndMap(byte[] archive) throws IOException {
    ParsedArchive parsed = ParsedArchive.of(archive);
    for (ParsedArchive.Entry entry : parsed.entries()) {
      MAPPER.map(entry.header());
    }
    return parsed;
  }
}
