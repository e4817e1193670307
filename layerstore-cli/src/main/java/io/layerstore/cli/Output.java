package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Where a command's result goes: lines of text or, with {@code --json}, one document.
 *
 * <p>Always UTF-8, whatever the locale, as names are mostly that. Buffered: {@link #flush} at the
 * end. Unlike {@link java.io.PrintStream} it fails when the bytes cannot be written.
 */
final class Output {
  private final OutputStream bytes;
  private boolean json;

  /** Writes a result as lines. */
  @FunctionalInterface
  interface Text {
    /** Writes to {@code out}, line by line. */
    void writeTo(Output out) throws IOException;
  }

  /** Writes a result as the members of a JSON object. */
  @FunctionalInterface
  interface Json {
    /** Writes to {@code json}, which is inside the document's object. */
    void writeTo(JsonGenerator json) throws IOException;
  }

  Output(OutputStream bytes) {
    this.bytes = new BufferedOutputStream(bytes, 1 << 16);
  }

  void setJson(boolean json) {
    this.json = json;
  }

  /** Prints the result in the form that was asked for. */
  void print(Text asText, Json asJson) throws IOException {
    if (!json) {
      asText.writeTo(this);
      return;
    }
    JsonGenerator generator = new JsonFactory().createGenerator(bytes);
    generator.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
    // A result that fails half way must not look complete.
    generator.disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT);
    try (generator) {
      generator.writeStartObject();
      asJson.writeTo(generator);
      generator.writeEndObject();
    }
    line("");
  }

  /** Prints one line, without regard to the form that was asked for. */
  void line(String text) throws IOException {
    bytes.write(text.getBytes(StandardCharsets.UTF_8));
    bytes.write('\n');
  }

  /** For a result that is bytes, such as an archive. */
  OutputStream bytes() {
    return bytes;
  }

  void flush() throws IOException {
    bytes.flush();
  }
}
