package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class OutputTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final Output output = new Output(bytes);

  @Test
  void print_text_isUtf8InAnyLocale() throws IOException {
    output.print(out -> out.line("grüße"), json -> {});
    output.flush();

    assertEquals("grüße\n", bytes.toString(StandardCharsets.UTF_8));
  }

  @Test
  void print_json_isOneLine() throws IOException {
    output.setJson(true);

    output.print(out -> out.line("text"), json -> json.writeStringField("a", "b"));
    output.flush();

    assertEquals("{\"a\":\"b\"}\n", bytes.toString(StandardCharsets.UTF_8));
  }

  @Test
  void print_jsonThatFailsHalfWay_isNoDocument() throws IOException {
    output.setJson(true);

    assertThrows(
        IOException.class,
        () ->
            output.print(
                out -> {},
                json -> {
                  json.writeArrayFieldStart("changes");
                  throw new IOException("gone");
                }));
    output.flush();

    assertThrows(
        JsonProcessingException.class,
        () -> JsonTree.read(new ByteArrayInputStream(bytes.toByteArray())));
  }
}
