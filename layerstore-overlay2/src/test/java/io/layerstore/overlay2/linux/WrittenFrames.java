package io.layerstore.overlay2.linux;

import io.layerstore.ByteString;
import io.layerstore.overlay2.linux.wire.FrameBuilder;
import io.layerstore.testing.FormatVectors;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** Frames, and what {@code docs/formats/helper.md} expects them to be read as. */
final class WrittenFrames {

  private static final int MAX_BYTES = 4096;

  private final FrameBuilder frames = new FrameBuilder(MAX_BYTES);
  private final StringBuilder json = new StringBuilder();
  private int count;

  /** Begins a frame. */
  WrittenFrames frame(String name, int opcode) {
    endFrame();
    count++;
    frames.begin(opcode, count);
    json.append("{\"frame\": \"").append(name).append("\", \"sequence\": ").append(count);
    return this;
  }

  private void endFrame() {
    if (count > 0) {
      frames.end();
      json.append("}\n");
    }
  }

  WrittenFrames number(String kind, String field, long value) {
    switch (kind) {
      case "u8" -> frames.u8((int) value);
      case "u16" -> frames.u16((int) value);
      case "u32", "i32" -> frames.u32(value);
      case "u64", "i64" -> frames.u64(value);
      default -> throw new IllegalArgumentException(kind);
    }
    return add(field, Long.toString(value));
  }

  WrittenFrames bytes(String field, String value) {
    return add(field, put(value));
  }

  WrittenFrames list(String countField, String field, List<String> values) {
    number("u16", countField, values.size());
    return add(field, values.stream().map(this::put).toList().toString());
  }

  private String put(String value) {
    frames.bytes(ByteString.utf8(value));
    return "\"" + FormatVectors.text(ByteString.utf8(value)) + "\"";
  }

  /** What fills the frame. */
  WrittenFrames rest(String field, String value) {
    frames.raw(ByteString.utf8(value));
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    return add(field, "\"" + HexFormat.of().formatHex(bytes) + "\"");
  }

  private WrittenFrames add(String field, String value) {
    json.append(", \"").append(field).append("\": ").append(value);
    return this;
  }

  /** All frames. */
  byte[] frames() {
    frames.end();
    return Arrays.copyOf(frames.array(), frames.size());
  }

  /** A line for each frame. */
  String json() {
    return json + "}\n";
  }
}
