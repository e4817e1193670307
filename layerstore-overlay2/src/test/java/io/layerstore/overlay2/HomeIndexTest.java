package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Durability;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.driver.LayerIndex;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the driver says of many layers at once is what it says of each, whatever its index says. */
final class HomeIndexTest {

  /** Just enough for an index. */
  private static final int COUNT = 128;

  private static final FileTime LONG_AGO = FileTime.from(Instant.parse("2020-02-02T02:02:02Z"));

  @TempDir Path directory;
  private Path home;
  private GraphDriver driver;
  private final Map<String, Optional<String>> parents = new HashMap<>();

  @BeforeEach
  void makeLayersAndTheIndex() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    home = directory.resolve("overlay2");
    driver = open(false);
    for (int i = 0; i < COUNT; i++) {
      String parent = i % 4 == 0 ? null : "layer" + (i - 1);
      driver.create("layer" + i, parent, CreateOptions.DEFAULT);
      parents.put("layer" + i, Optional.ofNullable(parent));
    }
    settle();
    reopen();
    assertEquals(parents.keySet(), driver.intact(parents));
  }

  @AfterEach
  void close() throws IOException {
    if (driver != null) {
      driver.close();
    }
  }

  private GraphDriver open(boolean readOnly) throws IOException {
    return new Overlay2DriverProvider()
        .open(
            DriverContext.builder(directory, home)
                .durability(Durability.NONE)
                .readOnly(readOnly)
                .build());
  }

  private void reopen() throws IOException {
    driver.close();
    driver = open(false);
  }

  /** As if nobody had changed anything for long. */
  private void settle() throws IOException {
    for (String id : parents.keySet()) {
      for (Path path : List.of(link(id), file(id, "link"), file(id, "lower"), home.resolve(id))) {
        if (Files.exists(path)) {
          setTime(path, LONG_AGO);
        }
      }
    }
  }

  private static void setTime(Path path, FileTime time) throws IOException {
    Files.getFileAttributeView(path, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .setTimes(time, null, null);
  }

  private Path file(String id, String name) {
    return home.resolve(id).resolve(name);
  }

  private Path link(String id) throws IOException {
    return home.resolve("l").resolve(Files.readString(file(id, "link")));
  }

  private Path index() {
    return home.resolve(LayerIndex.NAME);
  }

  /** What is wrong when each is looked at by itself. */
  private Set<String> soundByThemselves() throws IOException {
    Set<String> sound = new HashSet<>();
    for (Map.Entry<String, Optional<String>> layer : parents.entrySet()) {
      if (driver.problem(layer.getKey(), layer.getValue().orElse(null)).isEmpty()) {
        sound.add(layer.getKey());
      }
    }
    return sound;
  }

  private List<String> repaired() {
    return driver.recoveryReport().findings().stream()
        .filter(finding -> finding.kind() == Kind.DRIVER_REPAIR)
        .map(finding -> finding.id())
        .toList();
  }

  // ---- it is used ----

  @Test
  void intact_secondTime_isToldFromTheIndex() throws IOException {
    Path lower = file("layer5", "lower");
    Files.writeString(lower, "x".repeat((int) Files.size(lower)));
    setTime(lower, LONG_AGO);
    reopen();
    assertTrue(driver.intact(parents).contains("layer5"));
    Files.delete(index());
    reopen();
    assertFalse(driver.intact(parents).contains("layer5"));
  }

  @Test
  void intact_readOnly_writesNoIndex() throws IOException {
    Files.delete(index());
    driver.close();
    driver = open(true);
    assertEquals(parents.keySet(), driver.intact(parents));
    assertFalse(Files.exists(index()));
  }

  // ---- what was changed since ----

  @ParameterizedTest
  @ValueSource(strings = {"link", "lower"})
  void intact_fileIsDamagedInPlace_isAsByThemselves(String name) throws IOException {
    Files.writeString(file("layer5", name), "damaged");
    driver.close();
    driver = open(true);
    assertEquals(soundByThemselves(), driver.intact(parents));
    assertFalse(soundByThemselves().contains("layer5"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"link", "lower", "diff"})
  void intact_fileIsGone_isAsByThemselves(String name) throws IOException {
    Files.delete(file("layer5", name));
    driver.close();
    driver = open(true);
    assertEquals(soundByThemselves(), driver.intact(parents));
    assertFalse(soundByThemselves().contains("layer5"));
  }

  @Test
  void intact_layerIsGone_isAsByThemselves() throws IOException {
    driver.remove("layer127");
    reopen();
    assertEquals(soundByThemselves(), driver.intact(parents));
  }

  @Test
  void intact_layerIsMadeAgainOnAnother_isAsByThemselves() throws IOException {
    driver.remove("layer127");
    driver.create("layer127", "layer3", CreateOptions.DEFAULT);
    reopen();
    assertEquals(soundByThemselves(), driver.intact(parents));
    assertFalse(soundByThemselves().contains("layer127"));
  }

  @Test
  void intact_parentIsMadeAgain_isAsByThemselves() throws IOException {
    driver.remove("layer126");
    driver.create("layer126", "layer125", CreateOptions.DEFAULT);
    reopen();
    assertEquals(soundByThemselves(), driver.intact(parents));
    assertFalse(soundByThemselves().contains("layer127"));
  }

  @Test
  void intact_metadataNamesAnotherParent_isAsByThemselves() throws IOException {
    parents.put("layer127", Optional.of("layer3"));
    reopen();
    assertEquals(soundByThemselves(), driver.intact(parents));
    assertFalse(soundByThemselves().contains("layer127"));
  }

  // ---- what opening mends is mended ----

  @Test
  void open_nameInLIsGone_isMadeAgain() throws IOException {
    Files.delete(link("layer5"));
    reopen();
    assertEquals(List.of("layer5"), repaired());
    assertEquals(parents.keySet(), driver.intact(parents));
  }

  @Test
  void open_nameInLLeadsToNothing_isMadeAgain() throws IOException {
    Path link = link("layer5");
    Files.delete(link);
    Files.createSymbolicLink(link, Path.of("../nothing/diff"));
    reopen();
    assertEquals(List.of("layer5"), repaired());
  }

  @Test
  void open_linkFileIsGone_isWrittenAgain() throws IOException {
    Files.delete(file("layer5", "link"));
    reopen();
    assertEquals(List.of("layer5"), repaired());
    assertEquals(parents.keySet(), driver.intact(parents));
  }

  @Test
  void open_mountIsGone_itsDirectoryIsRemoved() throws IOException {
    Files.createDirectory(file("layer5", "merged"));
    reopen();
    assertFalse(Files.exists(file("layer5", "merged")));
  }

  @Test
  void open_temporaryFileIsLeft_isDeleted() throws IOException {
    Files.createFile(file("layer5", ".tmp-lower1"));
    reopen();
    assertFalse(Files.exists(file("layer5", ".tmp-lower1")));
  }

  // ---- what was done to the index ----

  @Test
  void open_indexIsDamaged_isTheSameAndTheIndexIsMended() throws IOException {
    byte[] whole = Files.readAllBytes(index());
    List<byte[]> damaged = new ArrayList<>();
    damaged.add(new byte[0]);
    damaged.add("LSINDEX9".getBytes(StandardCharsets.ISO_8859_1));
    damaged.add(java.util.Arrays.copyOf(whole, whole.length / 2));
    byte[] flipped = whole.clone();
    flipped[whole.length / 2] ^= 1;
    damaged.add(flipped);
    for (byte[] content : damaged) {
      Files.write(index(), content);
      reopen();
      assertEquals(List.of(), driver.recoveryReport().findings());
      assertEquals(parents.keySet(), driver.intact(parents));
      assertEquals(whole.length, Files.size(index()));
    }
  }

  @Test
  void ids_indexIsThere_areTheLayers() throws IOException {
    assertEquals(parents.keySet(), Set.copyOf(driver.ids()));
  }
}
