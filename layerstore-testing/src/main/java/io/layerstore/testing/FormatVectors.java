package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import io.layerstore.ByteString;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The files beside the pages in {@code docs/formats}: what the library makes is compared with them,
 * and {@code read.py}, which was written from the pages alone, has to read them.
 */
public final class FormatVectors {

  private static final Path FORMATS = Path.of("").toAbsolutePath().resolveSibling("docs/formats");
  private static final Path VECTORS = FORMATS.resolve("vectors");

  private FormatVectors() {}

  /** The vector is what the library makes now; if it is not, that is in {@code target/vectors}. */
  public static void assertIs(String name, byte[] made) throws IOException {
    Path vector = VECTORS.resolve(name);
    if (Files.exists(vector) && Arrays.equals(Files.readAllBytes(vector), made)) {
      return;
    }
    Path now = Path.of("target/vectors").toAbsolutePath().resolve(name);
    Files.createDirectories(now.getParent());
    Files.write(now, made);
    fail(
        vector
            + " is not what is made now. A root of an earlier release would be read wrongly; if the"
            + " format is to be another one, change its version and its page, and take over "
            + now);
  }

  /** The same for text. */
  public static void assertIs(String name, String made) throws IOException {
    assertIs(name, made.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * The reader prints {@code expected}; skipped where there is no Python.
   *
   * @param vector what it reads
   * @param arguments more vectors
   */
  public static void assertReads(
      String command, String vector, String expected, String... arguments)
      throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of(command, VECTORS.resolve(vector).toString()));
    all.addAll(List.of(arguments));
    assertEquals(expected, read(all.toArray(String[]::new)));
  }

  /** What the reader prints; skipped where there is no Python. */
  public static String read(String... arguments) throws IOException, InterruptedException {
    List<Object> all = new ArrayList<>(List.of(FORMATS.resolve("read.py").toString()));
    all.addAll(List.of(arguments));
    return Tool.require("python3").in(VECTORS).run(all.toArray()).out();
  }

  /** Bytes as the pages write them in text. */
  public static String text(ByteString bytes) {
    StringBuilder text = new StringBuilder();
    for (byte b : bytes.toByteArray()) {
      if (b >= 0x20 && b < 0x7f && b != '%') {
        text.append((char) b);
      } else {
        text.append(String.format("%%%02X", b & 0xff));
      }
    }
    return text.toString();
  }
}
