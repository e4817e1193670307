package io.layerstore.core.image;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.Durability;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import io.layerstore.testing.FaultyFileSystem;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class NamesFileTest {

  private static final ImageId ONE = ImageId.of("one".getBytes(UTF_8));
  private static final ImageId TWO = ImageId.of("two".getBytes(UTF_8));
  private static final List<String> NAMES =
      List.of("a:1", "a:2", "b:1", "example.com/x/y:latest", "z:9");

  private FileSystem memory;
  private FaultyFileSystem faulty;
  private Path file;
  private NamesFile names;
  private Repositories all;

  @BeforeEach
  void writeNames() throws IOException {
    memory = Jimfs.newFileSystem(Configuration.unix());
    Path directory = Files.createDirectory(memory.getPath("/image"));
    file = directory.resolve("repositories.json");
    faulty = FaultyFileSystem.over(memory);
    names = new NamesFile(faulty.wrap(directory), Durability.FULL);
    all = Repositories.EMPTY;
    for (String name : NAMES) {
      all = all.with(ImageReference.parse(name), name.endsWith("1") ? ONE : TWO);
    }
    names.write(all, Repositories.EMPTY);
  }

  @AfterEach
  void discard() throws IOException {
    memory.close();
  }

  private void refuseNewFiles() {
    faulty.runOutOfSpaceWhen(change -> change.path().toString().contains(".tmp-"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a:1", "a:2", "b:1", "example.com/x/y:latest", "z:9"})
  void write_oneNameLessAndNoSpaceForAFile_isWrittenInPlace(String name) throws IOException {
    refuseNewFiles();
    Repositories less = all.without(List.of(ImageReference.parse(name)));
    long size = Files.size(file);
    names.write(less, all);
    assertEquals(less.all(), names.read().all());
    assertEquals(size, Files.size(file));
  }

  @Test
  void write_lessAndLessAndNoSpaceForAFile_isWrittenInPlaceEachTime() throws IOException {
    refuseNewFiles();
    Repositories before = all;
    for (String name : NAMES) {
      Repositories less = before.without(List.of(ImageReference.parse(name)));
      names.write(less, before);
      assertEquals(less.all(), names.read().all());
      before = less;
    }
  }

  @Test
  void write_spaceAgain_hasNoSpacesLeft() throws IOException {
    refuseNewFiles();
    Repositories less = all.without(List.of(ImageReference.parse("b:1")));
    names.write(less, all);
    faulty.runOutOfSpaceWhen(change -> false);
    names.write(all, less);
    assertEquals(new String(all.toBytes(), UTF_8), Files.readString(file));
  }

  @Test
  void write_moreNamesAndNoSpace_failsAndTheFileIsUnchanged() throws IOException {
    refuseNewFiles();
    String before = Files.readString(file);
    assertThrows(
        LayerStoreException.class,
        () -> names.write(all.with(ImageReference.parse("more"), ONE), all));
    assertEquals(before, Files.readString(file));
  }

  @Test
  void write_damagedFileAndNoSpace_failsAndTheFileIsWhereItWas() throws IOException {
    Files.writeString(file, "damaged");
    Repositories none = names.open(new ArrayList<>());
    refuseNewFiles();
    assertThrows(
        LayerStoreException.class,
        () -> names.write(none.with(ImageReference.parse("x"), ONE), none));
    assertEquals("damaged", Files.readString(file));
  }

  @Test
  void padded_longer_none() {
    assertNull(NamesFile.padded(new byte[3], new byte[2]));
  }

  @Test
  void padded_stringsWithEqualEnds_isCutBetweenTokens() {
    byte[] padded =
        assertNotNullBytes(
            NamesFile.padded(
                "{\"a\":\"xy\\\"z\"}".getBytes(UTF_8),
                "{\"a\":\"xy\\\"z\",\"b\":\"qy\\\"z\"}".getBytes(UTF_8)));
    assertEquals("{\"a\":\"xy\\\"z\"" + " ".repeat(12) + "}", new String(padded, UTF_8));
  }

  private static byte[] assertNotNullBytes(byte[] bytes) {
    assertNotNull(bytes);
    return bytes;
  }
}
