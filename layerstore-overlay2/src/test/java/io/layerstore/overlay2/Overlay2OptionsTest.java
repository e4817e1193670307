package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.DriverException;
import io.layerstore.IdMapping;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is said to options. */
final class Overlay2OptionsTest {

  private static final String NONE_ARE_SET =
      "; this driver sets no project quotas, also where the file system has them";

  private static String refusal(Map<String, String> options, String fileSystem) {
    return assertThrows(
            DriverException.class, () -> Overlay2Options.requireValid(options, fileSystem))
        .getMessage();
  }

  private static String refusalOfLayer(Map<String, String> options, String fileSystem) {
    return assertThrows(
            DriverException.class, () -> Overlay2Options.requireNoQuota("id", options, fileSystem))
        .getMessage();
  }

  @ParameterizedTest
  @ValueSource(strings = {"extfs", "btrfs", "tmpfs", "<unknown>"})
  void requireValid_sizeOnOtherThanXfs_namesWhatItIs(String fileSystem) {
    assertEquals(
        "overlay2: Storage Option overlay2.size only supported for backingFS XFS. Found "
            + fileSystem,
        refusal(Map.of("overlay2.size", "10G"), fileSystem));
  }

  @Test
  void requireValid_sizeOnXfs_needsQuota() {
    assertEquals(
        "overlay2: Storage option overlay2.size not supported."
            + " Filesystem does not support Project Quota"
            + NONE_ARE_SET,
        refusal(Map.of("overlay2.size", "10G"), "xfs"));
  }

  @Test
  void requireValid_keyInOtherCase_isTheSame() {
    assertEquals(
        refusal(Map.of("overlay2.size", "1"), "extfs"),
        refusal(Map.of("Overlay2.Size", "1"), "extfs"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"overlay2.override_kernel_check", "overlay2.colour", "size", "overlay.size", ""})
  void requireValid_unknownOption_isNamed(String key) {
    assertEquals(
        "overlay2: unknown option "
            + key
            + "; there is overlay2.allow_whiteout_devices"
            + " and overlay2.ids",
        refusal(Map.of(key, "true"), "xfs"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"much", "", "-1", "1x", "G", "1 2", "0x10"})
  void requireValid_sizeThatIsNone_isInvalid(String size) {
    assertEquals(
        "overlay2: invalid size: '" + size + "'", refusal(Map.of("overlay2.size", size), "xfs"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "0G", "0.0 MiB"})
  void requireValid_noLimit_isAccepted(String size) {
    assertDoesNotThrow(() -> Overlay2Options.requireValid(Map.of("overlay2.size", size), "extfs"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"yes", "1", ""})
  void requireValid_whiteoutDevicesOtherwise_isInvalid(String value) {
    assertEquals(
        "overlay2: the option overlay2.allow_whiteout_devices is true or false, not '"
            + value
            + "'",
        refusal(Map.of("overlay2.allow_whiteout_devices", value), "extfs"));
  }

  @Test
  void allowsWhiteoutDevices_onlyIfTrue() {
    assertFalse(Overlay2Options.allowsWhiteoutDevices(Map.of()));
    assertFalse(
        Overlay2Options.allowsWhiteoutDevices(Map.of("overlay2.allow_whiteout_devices", "false")));
    assertTrue(
        Overlay2Options.allowsWhiteoutDevices(Map.of("overlay2.allow_whiteout_devices", "true")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"all", "", "own,subordinate"})
  void requireValid_idsOtherwise_isInvalid(String value) {
    assertEquals(
        "overlay2: the option overlay2.ids is own or subordinate, not '" + value + "'",
        refusal(Map.of("overlay2.ids", value), "extfs"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"own", "subordinate", "OWN"})
  void requireValid_ids_areAccepted(String value) {
    assertDoesNotThrow(() -> Overlay2Options.requireValid(Map.of("Overlay2.ids", value), "extfs"));
  }

  @Test
  void ids_areWhatTheOptionSays() {
    Map<String, String> own = Map.of("overlay2.ids", "own");
    Map<String, String> subordinate = Map.of("overlay2.ids", "subordinate");
    assertTrue(Overlay2Options.wantsOwnIds(own));
    assertFalse(Overlay2Options.wantsOwnIds(subordinate));
    assertFalse(Overlay2Options.wantsOwnIds(Map.of()));
    assertTrue(Overlay2Options.requiresSubordinateIds(subordinate));
    assertFalse(Overlay2Options.requiresSubordinateIds(own));
    assertFalse(Overlay2Options.requiresSubordinateIds(Map.of()));
  }

  private static void requireFitting(String ids, boolean isRoot, IdMapping mapping)
      throws DriverException {
    Overlay2Options.requireFitting(Map.of("overlay2.ids", ids), isRoot, mapping);
  }

  @ParameterizedTest
  @ValueSource(strings = {"own", "subordinate"})
  void requireFitting_idsForRoot_areRefused(String ids) {
    DriverException e =
        assertThrows(DriverException.class, () -> requireFitting(ids, true, IdMapping.IDENTITY));
    assertEquals(
        "overlay2: the option overlay2.ids is for ordinary users, and root has all ids; leave it"
            + " out",
        e.getMessage());
  }

  @Test
  void requireFitting_ownIdsBesideAMapping_areRefused() throws DriverException {
    List<IdMapping.Range> ranges = List.of(new IdMapping.Range(0, 1000, 1));
    IdMapping mapping = new IdMapping(ranges, ranges);
    assertThrows(DriverException.class, () -> requireFitting("own", false, mapping));
    requireFitting("subordinate", false, mapping);
    requireFitting("own", false, IdMapping.IDENTITY);
  }

  @Test
  void requireNoQuota_size_saysWhatToDo() {
    assertEquals(
        "overlay2 layer id: the storage option size is not supported: it takes project quotas,"
            + " which only XFS has; leave it out, and limit the file system that the store is on"
            + " instead",
        refusalOfLayer(Map.of("size", "10G"), "extfs"));
    assertTrue(
        refusalOfLayer(Map.of("size", "10G"), "xfs").contains("which this driver does not set"));
  }

  @Test
  void requireNoQuota_unknownOption_isNamed() {
    assertEquals(
        "overlay2 layer id: unknown storage option colour",
        refusalOfLayer(Map.of("colour", "red"), "extfs"));
  }

  @Test
  void requireNone_options_areRefused() {
    assertEquals(
        "overlay2 layer id: the storage option size is for read-write layers only; leave it out",
        assertThrows(
                DriverException.class, () -> Overlay2Options.requireNone("id", Map.of("size", "1")))
            .getMessage());
    assertEquals(
        "overlay2 layer id: unknown storage option colour",
        assertThrows(
                DriverException.class,
                () -> Overlay2Options.requireNone("id", Map.of("colour", "1")))
            .getMessage());
  }
}
