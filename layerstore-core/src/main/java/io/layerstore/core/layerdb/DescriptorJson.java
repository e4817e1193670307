package io.layerstore.core.layerdb;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.Platform;
import io.layerstore.core.json.GoJson;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes {@code descriptor.json}, as Go's {@code encoding/json} does.
 *
 * <pre>
 * descriptor = {"mediaType":S,"size":N,"digest":S,"urls":[S,...],"annotations":{S:S,...},"platform":platform}
 * platform   = {"architecture":S,"os":S,"os.version":S,"os.features":[S,...],"variant":S}
 * </pre>
 *
 * <p>Written compactly, in this order; what is empty is left out, but for a platform's architecture
 * and os. Read leniently: members that are not known are skipped, names match in any case, {@code
 * null} is the same as absent. A member of the wrong type makes the document malformed, as it does
 * for Docker. Checked against moby v28.5, {@code layer/filestore.go} and {@code
 * distribution.Descriptor}.
 */
final class DescriptorJson {

  private static final int MAX_DEPTH = 32;
  private static final JsonFactory JSON = GoJson.factory(MAX_DEPTH);

  private DescriptorJson() {}

  /** The document for {@code descriptor}. */
  static byte[] write(Descriptor descriptor) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = GoJson.generator(JSON, bytes)) {
      json.writeStartObject();
      writeUnlessEmpty(json, "mediaType", descriptor.mediaType());
      if (descriptor.sizeBytes() != 0) {
        json.writeNumberField("size", descriptor.sizeBytes());
      }
      json.writeStringField("digest", descriptor.digest().toString());
      writeUnlessEmpty(json, "urls", descriptor.urls());
      if (!descriptor.annotations().isEmpty()) {
        json.writeObjectFieldStart("annotations");
        for (Map.Entry<String, String> e : new TreeMap<>(descriptor.annotations()).entrySet()) {
          json.writeStringField(e.getKey(), e.getValue());
        }
        json.writeEndObject();
      }
      @Nullable Platform platform = descriptor.platform().orElse(null);
      if (platform != null) {
        writePlatform(json, platform);
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory failed", e);
    }
    return bytes.toByteArray();
  }

  private static void writePlatform(JsonGenerator json, Platform platform) throws IOException {
    json.writeObjectFieldStart("platform");
    json.writeStringField("architecture", platform.architecture());
    json.writeStringField("os", platform.os());
    writeUnlessEmpty(json, "os.version", platform.osVersion().orElse(""));
    writeUnlessEmpty(json, "os.features", platform.osFeatures());
    writeUnlessEmpty(json, "variant", platform.variant().orElse(""));
    json.writeEndObject();
  }

  private static void writeUnlessEmpty(JsonGenerator json, String name, @Nullable String value)
      throws IOException {
    if (value != null && !value.isEmpty()) {
      json.writeStringField(name, value);
    }
  }

  private static void writeUnlessEmpty(JsonGenerator json, String name, List<String> values)
      throws IOException {
    if (!values.isEmpty()) {
      json.writeFieldName(name);
      json.writeArray(values.toArray(String[]::new), 0, values.size());
    }
  }

  /**
   * Reads a document.
   *
   * @return null if it describes nothing: it has no digest, or one of a form that this library does
   *     not know and Docker never looks at
   * @throws IOException if it is malformed
   */
  static @Nullable Descriptor read(byte[] document) throws IOException {
    try (JsonParser json = JSON.createParser(document)) {
      @Nullable Descriptor descriptor = null;
      JsonToken first = json.nextToken();
      if (first == JsonToken.START_OBJECT) {
        descriptor = new DescriptorJson.Reader(json).descriptor();
      } else if (first != JsonToken.VALUE_NULL) {
        throw unexpected(json);
      }
      if (json.nextToken() != null) {
        throw new JsonParseException(json, "text after the document");
      }
      return descriptor;
    }
  }

  private static IOException unexpected(JsonParser json) {
    return new JsonParseException(json, "a value of the wrong type");
  }

  /** Collects the members of one document. */
  private static final class Reader {
    private final JsonParser json;

    Reader(JsonParser json) {
      this.json = json;
    }

    @Nullable Descriptor descriptor() throws IOException {
      String mediaType = "";
      long size = 0;
      String digest = "";
      List<String> urls = List.of();
      Map<String, String> annotations = Map.of();
      @Nullable Platform platform = null;
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        switch (member()) {
          case "mediatype" -> mediaType = text();
          case "size" -> size = number();
          case "digest" -> digest = text();
          case "urls" -> urls = texts();
          case "annotations" -> annotations = textsByName();
          case "platform" -> platform = platform();
          default -> json.skipChildren();
        }
      }
      try {
        return new Descriptor(
            mediaType,
            size,
            Digest.parse(digest),
            urls,
            annotations,
            Optional.ofNullable(platform));
      } catch (IllegalArgumentException e) {
        // For Docker these are free text and any number; a layer must not get lost over them.
        return null;
      }
    }

    private @Nullable Platform platform() throws IOException {
      if (json.currentToken() == JsonToken.VALUE_NULL) {
        return null;
      }
      require(JsonToken.START_OBJECT);
      String architecture = "";
      String os = "";
      String osVersion = "";
      List<String> osFeatures = List.of();
      String variant = "";
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        switch (member()) {
          case "architecture" -> architecture = text();
          case "os" -> os = text();
          case "os.version" -> osVersion = text();
          case "os.features" -> osFeatures = texts();
          case "variant" -> variant = text();
          default -> json.skipChildren();
        }
      }
      return new Platform(architecture, os, present(osVersion), osFeatures, present(variant));
    }

    private static Optional<String> present(String text) {
      return Optional.of(text).filter(some -> !some.isEmpty());
    }

    /** The name of the member in lower case; its value is the current token then. */
    private String member() throws IOException {
      String name = json.currentName().toLowerCase(Locale.ROOT);
      json.nextToken();
      return name;
    }

    private String text() throws IOException {
      if (json.currentToken() == JsonToken.VALUE_NULL) {
        return "";
      }
      require(JsonToken.VALUE_STRING);
      return json.getText();
    }

    private long number() throws IOException {
      if (json.currentToken() == JsonToken.VALUE_NULL) {
        return 0;
      }
      require(JsonToken.VALUE_NUMBER_INT);
      return json.getLongValue();
    }

    private List<String> texts() throws IOException {
      List<String> texts = new ArrayList<>();
      if (json.currentToken() != JsonToken.VALUE_NULL) {
        require(JsonToken.START_ARRAY);
        while (json.nextToken() != JsonToken.END_ARRAY) {
          texts.add(text());
        }
      }
      return texts;
    }

    private Map<String, String> textsByName() throws IOException {
      Map<String, String> texts = new TreeMap<>();
      if (json.currentToken() != JsonToken.VALUE_NULL) {
        require(JsonToken.START_OBJECT);
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String name = json.currentName();
          json.nextToken();
          texts.put(name, text());
        }
      }
      return texts;
    }

    private void require(JsonToken token) throws IOException {
      if (json.currentToken() != token) {
        throw unexpected(json);
      }
    }
  }
}
