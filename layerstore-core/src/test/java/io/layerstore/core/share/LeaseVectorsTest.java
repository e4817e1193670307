package io.layerstore.core.share;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.testing.FormatVectors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** {@code docs/sharing.md} says what is in a lease. */
@SuppressWarnings("EnumOrdinal") // The ordinal is the byte that processes share.
final class LeaseVectorsTest {

  private static final String BINARY = "lease.bin";
  private static final String TEXT = "lease.json";

  /** More claims than the first piece has room for. */
  private static final int LAYERS = 62;

  private final List<ByteBuffer> pieces = new ArrayList<>();

  private ByteBuffer piece(int index) {
    while (pieces.size() <= index) {
      pieces.add(
          ByteBuffer.allocateDirect(SharedMemory.PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN));
    }
    return pieces.get(index);
  }

  @Test
  void vector_ofALease_isWhatIsWrittenNow() throws IOException {
    byte[] command = "java -jar layerstore.jar info".getBytes(UTF_8);
    Lease lease =
        new Lease(
            this::piece,
            true,
            new Lease.Owner(4711, command, Instant.parse("2001-09-09T01:46:40Z")));
    Map<Integer, String> claims = new TreeMap<>();
    for (ClaimKind kind : ClaimKind.values()) {
      put(lease, claims, kind, "key of " + kind, LeaseFormat.HELD);
    }
    int given = put(lease, claims, ClaimKind.NAME, "given up", LeaseFormat.HELD);
    put(lease, claims, ClaimKind.CHAIN, "wanted", LeaseFormat.WANTED);
    lease.clear(given);
    for (int i = 0; i < LAYERS; i++) {
      put(lease, claims, ClaimKind.LAYER, "%064x".formatted(i), LeaseFormat.HELD);
    }
    int last = put(lease, claims, ClaimKind.WORK, "given up", LeaseFormat.HELD);
    lease.clear(last);
    claims.remove(last);
    lease.enter();
    ByteBuffer all = ByteBuffer.allocate(pieces.size() * SharedMemory.PIECE_BYTES);
    pieces.forEach(piece -> all.put(piece.duplicate().clear()));

    FormatVectors.assertIs(BINARY, all.array());
    FormatVectors.assertIs(
        TEXT,
        "{\"state\": 2, \"alone\": 1, \"pid\": 4711, \"since\": 1000000000000, \"command\":"
            + " \"java -jar layerstore.jar info\"}\n"
            + String.join("", claims.values()));
  }

  private static int put(
      Lease lease, Map<Integer, String> claims, ClaimKind kind, String key, int mode) {
    int place = lease.put(kind, key.getBytes(UTF_8), mode);
    claims.put(
        place,
        "{\"claim\": %d, \"kind\": %d, \"key\": \"%s\", \"mode\": \"%s\"}\n"
            .formatted(place, kind.ordinal(), key, mode == LeaseFormat.HELD ? "held" : "wanted"));
    return place;
  }

  @Test
  void vector_readByAnother_isTheSame() throws IOException, InterruptedException {
    Path json = Path.of("").toAbsolutePath().resolveSibling("docs/formats/vectors").resolve(TEXT);
    FormatVectors.assertReads("lease", BINARY, Files.readString(json));
  }
}
