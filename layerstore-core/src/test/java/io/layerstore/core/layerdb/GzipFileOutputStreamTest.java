package io.layerstore.core.layerdb;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FileOperation.Kind;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class GzipFileOutputStreamTest {

  private final FaultyFileSystem fileSystem = FaultyFileSystem.over(FileSystems.getDefault());
  @TempDir private Path directory;

  private GzipFileOutputStream create() throws IOException {
    Path wrapped = fileSystem.wrap(directory);
    return GzipFileOutputStream.create(
        wrapped.resolve("file.gz"), wrapped.resolve("aside"), 1, true);
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  private byte[] uncompressed() throws IOException {
    try (GZIPInputStream in =
        new GZIPInputStream(Files.newInputStream(directory.resolve("file.gz")))) {
      return in.readAllBytes();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 32767, 32768, 32769, 65536, 200_000})
  void close_anyLength_isReadBackByAnotherDecoder(int length) throws IOException {
    byte[] content = random(length);
    try (GzipFileOutputStream out = create()) {
      int half = length / 2;
      out.write(content, 0, half);
      out.write(content, half, length - half);
    }
    assertArrayEquals(content, uncompressed());
    assertFalse(Files.exists(directory.resolve("aside")));
    assertEquals(List.of(), fileSystem.openResources());
  }

  @Test
  void write_beforeClose_nothingIsInItsPlace() throws IOException {
    try (GzipFileOutputStream out = create()) {
      out.write(random(100_000));
      assertFalse(Files.exists(directory.resolve("file.gz")));
    }
    assertTrue(Files.exists(directory.resolve("file.gz")));
  }

  @Test
  void close_twice_isHarmless() throws IOException {
    GzipFileOutputStream out = create();
    out.close();
    out.close();
    assertThrows(IOException.class, () -> out.write(1));
    assertEquals(0, uncompressed().length);
  }

  @Test
  void close_writeFailedBefore_reportsItAndLeavesNothing() throws IOException {
    GzipFileOutputStream out = create();
    fileSystem.failWhen(operation -> operation.kind() == Kind.WRITE);
    IOException first = assertThrows(IOException.class, () -> out.write(random(500_000)));
    fileSystem.failWhen(operation -> false);
    assertThrows(IOException.class, () -> out.write(1));
    IOException atClose = assertThrows(IOException.class, out::close);
    assertEquals(first, atClose.getCause());
    assertEquals(List.of(), fileSystem.openResources());
    try (var entries = Files.list(directory)) {
      assertEquals(0, entries.count());
    }
  }

  @Test
  void tryWithResources_writeFails_throwsTheFirstWithTheSecondSuppressed() {
    IOException e =
        assertThrows(
            IOException.class,
            () -> {
              try (GzipFileOutputStream out = create()) {
                fileSystem.failWhen(operation -> operation.kind() == Kind.WRITE);
                out.write(random(500_000));
              }
            });
    assertEquals(1, e.getSuppressed().length);
  }

  @ParameterizedTest
  @ValueSource(strings = {"WRITE", "FORCE", "MOVE"})
  void close_finishingFails_reportsItAndLeavesNothing(Kind kind) throws IOException {
    GzipFileOutputStream out = create();
    out.write(1);
    fileSystem.failWhen(operation -> operation.kind() == kind);
    assertNotNull(assertThrows(IOException.class, out::close));
    assertEquals(List.of(), fileSystem.openResources());
    try (var entries = Files.list(directory)) {
      assertEquals(0, entries.count());
    }
  }

  @Test
  void create_headerCannotBeWritten_leavesNothing() throws IOException {
    fileSystem.failWhen(operation -> operation.kind() == Kind.WRITE);
    assertThrows(IOException.class, this::create);
    assertEquals(List.of(), fileSystem.openResources());
    try (var entries = Files.list(directory)) {
      assertEquals(0, entries.count());
    }
  }

  @Test
  void write_outsideTheArray_isRefusedAndTheStreamGoesOn() throws IOException {
    try (GzipFileOutputStream out = create()) {
      assertThrows(IndexOutOfBoundsException.class, () -> out.write(new byte[2], 1, 2));
      out.write(7);
    }
    assertArrayEquals(new byte[] {7}, uncompressed());
  }
}
