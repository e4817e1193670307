package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.overlay2.linux.wire.Protocol;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The two sides of the protocol have the same numbers. */
final class ProtocolTest {

  private static final Path HEADER = Path.of("src/main/c/protocol.h");
  private static final Pattern DEFINE =
      Pattern.compile(
          "^#define ([A-Z][A-Z0-9_]*)[ \\\\\n]+(0x[0-9a-f]+|[0-9]+)\\b", Pattern.MULTILINE);

  @Test
  void constants_ofBothSides_areTheSame() throws IOException, IllegalAccessException {
    assumeTrue(Files.exists(HEADER), "runs in the module's directory");
    Map<String, Integer> inHeader = new TreeMap<>();
    Matcher matcher = DEFINE.matcher(Files.readString(HEADER));
    while (matcher.find()) {
      inHeader.put(matcher.group(1), Integer.decode(matcher.group(2)));
    }
    assertFalse(inHeader.isEmpty());
    assertEquals(inHeader, inJava());
  }

  /** The numbers by their names. */
  static Map<String, Integer> inJava() throws IllegalAccessException {
    Map<String, Integer> numbers = new TreeMap<>();
    for (Field field : Protocol.class.getDeclaredFields()) {
      if (Modifier.isStatic(field.getModifiers()) && field.getType() == int.class) {
        numbers.put(field.getName(), field.getInt(null));
      }
    }
    return numbers;
  }
}
