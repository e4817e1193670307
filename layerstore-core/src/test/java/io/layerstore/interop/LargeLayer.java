package io.layerstore.interop;

import com.google.common.collect.Iterators;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** Archives that are larger than the heap; their bytes are made while they are read. */
enum LargeLayer {

  /** One file of a bit more than 4 GiB, so that 32 bits do not hold its size. */
  FOUR_GIB {
    @Override
    InputStream open(Path file) {
      int blocks = 4096;
      byte[] pattern = new byte[1 << 20];
      new Random(1).nextBytes(pattern);
      byte[] header =
          new TarBuilder()
              .header(TarHeaderBlock.named("large").size((long) blocks * pattern.length + 1))
              .toBytes();
      byte[] end = new TarBuilder().padded("x").end().toBytes();
      return parts(
          blocks + 2,
          part -> {
            if (part == 0) {
              return header;
            }
            // Each block is another one, so that a block out of place is noticed.
            ByteBuffer.wrap(pattern).putInt(0, part);
            return part <= blocks ? pattern : end;
          });
    }
  },

  /** 200,000 small files in 2,000 directories. */
  MANY_FILES {
    @Override
    InputStream open(Path file) {
      int directories = 2_000;
      return parts(directories + 1, part -> part < directories ? directory(part) : END);
    }

    private byte[] directory(int number) {
      String name = "usr/share/directory-%05d/".formatted(number);
      TarBuilder tar = new TarBuilder();
      if (number == 0) {
        tar.directory("usr/").directory("usr/share/");
      }
      tar.directory(name);
      for (int i = 0; i < 100; i++) {
        tar.file(name + "a-file-with-a-name-of-usual-length-%03d".formatted(i), "content of " + i);
      }
      return tar.toBytes();
    }
  },

  /** Six million whiteouts, each of another file, none of which is there. */
  SIX_MILLION_ENTRIES {
    @Override
    InputStream open(Path file) {
      int directories = 6_000;
      return parts(directories + 1, part -> part < directories ? directory(part) : END);
    }

    private byte[] directory(int number) {
      TarBuilder tar = new TarBuilder();
      for (int i = 0; i < 1_000; i++) {
        tar.file("d/.wh.%d-%d".formatted(number, i), "");
      }
      return tar.toBytes();
    }
  },

  /** The archive in a file. */
  FILE {
    @Override
    InputStream open(Path file) throws IOException {
      return Files.newInputStream(file);
    }
  };

  private static final byte[] END = new TarBuilder().end().toBytes();

  /** The archive from its beginning; {@code file} matters to {@link #FILE} only. */
  abstract InputStream open(Path file) throws IOException;

  private static InputStream parts(int count, IntFunction<byte[]> part) {
    Iterator<InputStream> parts =
        IntStream.range(0, count)
            .<InputStream>mapToObj(i -> new ByteArrayInputStream(part.apply(i)))
            .iterator();
    return new SequenceInputStream(Iterators.asEnumeration(parts));
  }
}
