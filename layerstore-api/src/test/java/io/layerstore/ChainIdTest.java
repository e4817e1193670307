package io.layerstore;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Chain IDs observed on a Docker Engine 20.10. */
final class ChainIdTest {

  private static final DiffId BASE =
      DiffId.parse("sha256:b30750a52edb695478e5f934d13d3a48196c0d729c1ece098d9f0ee226fb2b18");
  private static final DiffId SECOND =
      DiffId.parse("sha256:1663ce63d6e31762423b92945f1f2279116741c2a40c7a34bc1d58a3ef38d381");
  private static final DiffId L =
      DiffId.parse("sha256:a340353031a23f7f5114cda2c6f1b992b826fa7e5aa7f61f6721fecbaa7082c0");
  private static final DiffId E = DiffId.EMPTY_TAR;

  private static String chain(DiffId... diffIds) {
    return ChainId.of(List.of(diffIds)).orElseThrow().toString();
  }

  @Test
  void of_noLayers_empty() {
    assertEquals(Optional.empty(), ChainId.of(List.of()));
  }

  @Test
  void of_oneLayer_isTheDiffId() {
    assertEquals(BASE.toString(), chain(BASE));
  }

  @Test
  void of_twoLayers_asObserved() {
    assertEquals(
        "sha256:cab0f7cb7192fe4bce6f6e2630eedae9fa8defdd17a2771ff19ee11dbeb68980",
        chain(BASE, SECOND));
  }

  @Test
  void of_emptyLayersInBetween_asObserved() {
    assertEquals(
        "sha256:57f2f4c455b156410c9561bff887bf6c61222d027d8116e73fbdc1295dbbdb70", chain(L, E));
    assertEquals(
        "sha256:0f78f37fe85f615938eb843d168933ffe5c80901a723eb7e35dbfe05f9c37b9b", chain(L, E, E));
    assertEquals(
        "sha256:5fe101ba33b95a4650bd6fe73c15ef24a53094bf4e62fb99502b34f1ae4cbc6b",
        chain(L, E, E, L));
  }

  @Test
  void of_twoLayerVector_asObserved() {
    assertEquals(
        "sha256:a2c87cb806da5d4ad12162d9ec0d4585a56fde7b275ed267bc7fa20f93b47ff1",
        chain(
            L,
            DiffId.parse(
                "sha256:d96b4b9b4a60ebb81245ccc0b80a6d733f4d57cd4b968f1740068ffeed92b16c")));
  }

  @Test
  void of_parentAndDiffId_sameAsTheList() {
    ChainId base = ChainId.of(null, BASE);
    assertEquals(chain(BASE, SECOND), ChainId.of(base, SECOND).toString());
  }
}
