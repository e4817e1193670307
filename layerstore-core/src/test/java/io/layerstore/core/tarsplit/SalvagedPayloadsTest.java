package io.layerstore.core.tarsplit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.LayerStoreException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SalvagedPayloadsTest {

  private FileSystem fileSystem;
  private Path file;
  private SalvagedPayloads salvaged;

  @BeforeEach
  void create() throws IOException {
    fileSystem = Jimfs.newFileSystem(Configuration.unix());
    file = fileSystem.getPath("/scratch");
    salvaged = new SalvagedPayloads(() -> file);
  }

  @AfterEach
  void close() throws IOException {
    salvaged.close();
    assertTrue(Files.notExists(file));
    fileSystem.close();
  }

  @Nested
  class Add {

    @Test
    void add_nothing_makesNoFile() {
      assertTrue(salvaged.isEmpty());
      assertTrue(Files.notExists(file));
    }

    @Test
    void add_emptyContent_makesNoFile() throws IOException {
      salvaged.add(0, new ByteArrayInputStream(new byte[0]));

      assertTrue(salvaged.isEmpty());
      assertTrue(Files.notExists(file));
    }

    @Test
    void add_content_isThereAndNotClosed() throws IOException {
      boolean[] closed = {false};
      salvaged.add(
          3,
          new ByteArrayInputStream(new byte[] {1, 2, 3}) {
            @Override
            public void close() {
              closed[0] = true;
            }
          });

      assertFalse(salvaged.isEmpty());
      assertFalse(closed[0]);
    }

    @Test
    void add_sameContentTwice_isStoredOnce() throws IOException {
      add(new byte[1000]);
      add(new byte[1000]);
      add(new byte[] {5});

      assertArrayEquals(new byte[1000], opened(new byte[1000]));
      assertArrayEquals(new byte[] {5}, opened(new byte[] {5}));
      assertTrue(Files.size(file) <= 2000, () -> "length of the scratch file");
    }

    @Test
    void add_shorterThanSaid_isRefusedAndTheRestIsKept() throws IOException {
      add(new byte[] {1, 2});

      assertThrows(
          LayerStoreException.class, () -> salvaged.add(9, new ByteArrayInputStream(new byte[8])));

      assertArrayEquals(new byte[] {1, 2}, opened(new byte[] {1, 2}));
      assertNull(open(new byte[8]));
    }

    @Test
    void add_longerThanSaid_isRefused() {
      assertThrows(
          LayerStoreException.class, () -> salvaged.add(7, new ByteArrayInputStream(new byte[8])));
      assertThrows(
          LayerStoreException.class, () -> salvaged.add(0, new ByteArrayInputStream(new byte[1])));
    }

    @Test
    void add_contentCannotBeRead_throwsThatAndTheRestIsKept() throws IOException {
      IOException failure = new IOException("disk");
      InputStream failing =
          new InputStream() {
            @Override
            public int read() throws IOException {
              throw failure;
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
              throw failure;
            }
          };
      add(new byte[] {1, 2});

      IOException thrown =
          assertThrows(
              IOException.class,
              () ->
                  salvaged.add(
                      20,
                      new SequenceInputStream(new ByteArrayInputStream(new byte[10]), failing)));

      assertSame(failure, thrown);
      add(new byte[] {3, 4});
      assertArrayEquals(new byte[] {1, 2}, opened(new byte[] {1, 2}));
      assertArrayEquals(new byte[] {3, 4}, opened(new byte[] {3, 4}));
    }

    @Test
    void add_fileThatExists_isNotOverwritten() throws IOException {
      Files.writeString(file, "mine");

      assertThrows(FileAlreadyExistsException.class, () -> add(new byte[1]));

      assertEquals("mine", Files.readString(file));
      Files.delete(file);
    }

    @Test
    void add_afterClose_isRefused() throws IOException {
      salvaged.close();

      assertThrows(IllegalStateException.class, () -> add(new byte[1]));
    }
  }

  @Nested
  class Open {

    @Test
    void open_unknown_isNull() throws IOException {
      add(new byte[] {1, 2, 3});

      assertNull(open(new byte[] {1, 2, 4}));
      assertNull(salvaged.open(4, SplitLayer.crc(new byte[] {1, 2, 3})));
    }

    @Test
    void open_manyContents_isEachOfThem() throws IOException {
      Random random = new Random(15);
      List<byte[]> contents = new ArrayList<>();
      for (int i = 0; i < 3000; i++) {
        byte[] content = new byte[1 + random.nextInt(i % 100 == 0 ? 200_000 : 50)];
        random.nextBytes(content);
        contents.add(content);
        add(content);
      }

      for (byte[] content : contents) {
        assertArrayEquals(content, opened(content));
      }
    }

    @Test
    void open_twoAtOnce_readIndependently() throws IOException {
      add(new byte[] {1, 2, 3});
      add(new byte[] {4, 5, 6});
      try (InputStream one = open(new byte[] {1, 2, 3});
          InputStream other = open(new byte[] {4, 5, 6})) {
        assertEquals(1, one.read());
        assertEquals(4, other.read());
        assertEquals(2, one.read());
        assertEquals(5, other.read());
        assertEquals(3, one.read());
        assertEquals(-1, one.read());
      }
    }
  }

  @Nested
  class OnDisk {

    @TempDir Path directory;

    @Test
    void close_afterContents_deletesTheFile() throws IOException {
      Path scratch = directory.resolve("scratch");
      try (SalvagedPayloads onDisk = new SalvagedPayloads(() -> scratch)) {
        byte[] content = new byte[100_000];
        new Random(16).nextBytes(content);
        onDisk.add(content.length, new ByteArrayInputStream(content));
        assertArrayEquals(
            content, onDisk.open(content.length, SplitLayer.crc(content)).readAllBytes());
      }
      assertTrue(Files.notExists(scratch));
    }
  }

  private void add(byte[] content) throws IOException {
    salvaged.add(content.length, new ByteArrayInputStream(content));
  }

  private InputStream open(byte[] content) {
    return salvaged.open(content.length, SplitLayer.crc(content));
  }

  private byte[] opened(byte[] content) throws IOException {
    try (InputStream opened = open(content)) {
      assertNotNull(opened);
      return opened.readAllBytes();
    }
  }
}
