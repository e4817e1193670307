package io.layerstore.core.layerdb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Platform;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class DescriptorJsonTest {

  private static final Digest DIGEST = DiffId.EMPTY_TAR.digest();

  private static String write(Descriptor descriptor) {
    return new String(DescriptorJson.write(descriptor), UTF_8);
  }

  private static Descriptor read(String document) throws IOException {
    return DescriptorJson.read(document.getBytes(UTF_8));
  }

  @Nested
  final class Write {

    @Test
    void write_everything_isCompactAndInDockersOrder() {
      Platform platform =
          new Platform("arm64", "linux", Optional.of("10.0"), List.of("f"), Optional.of("v8"));
      Descriptor descriptor =
          new Descriptor(
              "m/t",
              123,
              DIGEST,
              List.of("http://a", "http://b"),
              Map.of("b", "2", "a", "1"),
              Optional.of(platform));
      assertEquals(
          "{\"mediaType\":\"m/t\",\"size\":123,\"digest\":\""
              + DIGEST
              + "\",\"urls\":[\"http://a\",\"http://b\"],\"annotations\":{\"a\":\"1\",\"b\":\"2\"},"
              + "\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\",\"os.version\":\"10.0\","
              + "\"os.features\":[\"f\"],\"variant\":\"v8\"}}",
          write(descriptor));
    }

    @Test
    void write_emptyMembers_areLeftOut() {
      assertEquals("{\"digest\":\"" + DIGEST + "\"}", write(Descriptor.of("", 0, DIGEST)));
    }

    @Test
    void write_emptyPlatform_hasArchitectureAndOs() {
      Platform platform = Platform.of("", "");
      assertEquals(
          "{\"digest\":\"" + DIGEST + "\",\"platform\":{\"architecture\":\"\",\"os\":\"\"}}",
          write(new Descriptor("", 0, DIGEST, List.of(), Map.of(), Optional.of(platform))));
    }

    @Test
    void write_specialCharacters_areEscapedAsGoDoes() {
      String text = "<a>&\u2028\u2029\u001f\"\\/\n\u00e4\ud83d\ude00";
      assertEquals(
          "{\"mediaType\":\"\\u003ca\\u003e\\u0026\\u2028\\u2029\\u001f\\\"\\\\/\\n\u00e4\ud83d\ude00\","
              + "\"digest\":\""
              + DIGEST
              + "\"}",
          write(Descriptor.of(text, 0, DIGEST)));
    }
  }

  @Nested
  final class Read {

    @Test
    void read_whatWasWritten_isEqual() throws IOException {
      Platform platform =
          new Platform("arm64", "linux", Optional.of("10.0"), List.of("f", "g"), Optional.of("v8"));
      Descriptor descriptor =
          new Descriptor(
              "<m>\u2028",
              Long.MAX_VALUE,
              DIGEST,
              List.of("u"),
              Map.of("k", "v\n"),
              Optional.of(platform));
      assertEquals(descriptor, read(write(descriptor)));
    }

    @Test
    void read_unknownMembers_areSkipped() throws IOException {
      assertEquals(
          Descriptor.of("m", 0, DIGEST),
          read(
              "{\"x\":{\"digest\":\"y\",\"z\":[1,{}]},\"mediaType\":\"m\",\"digest\":\""
                  + DIGEST
                  + "\",\"platform\":null,\"w\":[[]]}"));
    }

    @Test
    void read_namesInAnyCaseAndNulls_areAccepted() throws IOException {
      assertEquals(
          Descriptor.of("m", 5, DIGEST),
          read(
              "{\"MEDIATYPE\":\"m\",\"Size\":5,\"Digest\":\""
                  + DIGEST
                  + "\",\"urls\":null,\"annotations\":null}"));
    }

    @Test
    void read_whiteSpaceAround_isAccepted() throws IOException {
      assertEquals(Descriptor.of("", 0, DIGEST), read(" \n{ \"digest\" : \"" + DIGEST + "\" }\n"));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{}",
          "null",
          "{\"digest\":\"\"}",
          "{\"digest\":\"blake3:00\"}",
          "{\"digest\":\"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef\",\"size\":-1}"
        })
    void read_nothingToRepresent_isNull(String document) throws IOException {
      assertNull(read(document));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "{",
          "[]",
          "\"text\"",
          "{} {}",
          "{}x",
          "{\"size\":\"5\"}",
          "{\"size\":1.5}",
          "{\"size\":1e3}",
          "{\"size\":9223372036854775808}",
          "{\"mediaType\":5}",
          "{\"digest\":{}}",
          "{\"urls\":\"u\"}",
          "{\"urls\":[1]}",
          "{\"urls\":[\"u\"",
          "{\"annotations\":[]}",
          "{\"annotations\":{\"a\":1}}",
          "{\"platform\":\"linux\"}",
          "{\"platform\":{\"os.features\":{}}}",
          "{'digest':'x'}",
          "{\"digest\":\"x\",}"
        })
    void read_malformed_isAnError(String document) {
      assertThrows(IOException.class, () -> read(document));
    }

    @Test
    void read_deeplyNested_isAnError() {
      String document = "{\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
      assertThrows(IOException.class, () -> read(document));
    }

    @Test
    void read_randomBytes_isAnErrorOrADescriptor() throws IOException {
      java.util.Random random = new java.util.Random(42);
      byte[] valid = DescriptorJson.write(Descriptor.of("m", 5, DIGEST));
      int read = 0;
      int refused = 0;
      for (int i = 0; i < 20_000; i++) {
        byte[] bytes = valid.clone();
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        try {
          DescriptorJson.read(bytes);
          read++;
        } catch (IOException e) {
          refused++;
        }
      }
      assertTrue(read > 0 && refused > 0, read + " read, " + refused + " refused");
    }
  }
}
