package io.layerstore.core.image.archive;

import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.Platform;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Num;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import io.layerstore.spi.RegistryRepository.Manifest;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes the manifests and indexes of registries, with their members in Docker's order. */
final class ImageDocuments {

  private ImageDocuments() {}

  /** The manifest of an image. */
  static Manifest manifest(boolean isDocker, Descriptor config, List<Descriptor> layers) {
    String type = isDocker ? MediaTypes.DOCKER_MANIFEST : MediaTypes.MANIFEST;
    Map<String, JsonValue> members = beginning(type);
    members.put("config", V1Image.object(members(config)));
    members.put(
        "layers",
        new Array(
            layers.stream().map(layer -> (JsonValue) V1Image.object(members(layer))).toList()));
    return document(isDocker, type, members);
  }

  /** An index of several images. */
  static Manifest index(boolean isDocker, List<JsonValue> entries) {
    String type = isDocker ? MediaTypes.DOCKER_INDEX : MediaTypes.INDEX;
    Map<String, JsonValue> members = beginning(type);
    members.put("manifests", new Array(entries));
    return document(isDocker, type, members);
  }

  private static Map<String, JsonValue> beginning(String type) {
    Map<String, JsonValue> members = new LinkedHashMap<>();
    members.put("schemaVersion", new Num("2"));
    members.put("mediaType", new Text(type));
    return members;
  }

  private static Manifest document(boolean isDocker, String type, Map<String, JsonValue> members) {
    Obj document = V1Image.object(members);
    byte[] bytes = isDocker ? indented(document) : document.toBytes();
    return new Manifest(Descriptor.of(type, bytes.length, Digest.sha256Of(bytes)), bytes);
  }

  /** An image in an index. */
  static Obj entry(Descriptor manifest, Platform of) {
    Map<String, JsonValue> platform = new LinkedHashMap<>();
    platform.put("architecture", new Text(of.architecture()));
    platform.put("os", new Text(of.os()));
    of.osVersion().ifPresent(version -> platform.put("os.version", new Text(version)));
    if (!of.osFeatures().isEmpty()) {
      platform.put("os.features", Array.ofTexts(of.osFeatures()));
    }
    of.variant().ifPresent(variant -> platform.put("variant", new Text(variant)));
    Map<String, JsonValue> members = members(manifest);
    members.put("platform", V1Image.object(platform));
    return V1Image.object(members);
  }

  private static Map<String, JsonValue> members(Descriptor descriptor) {
    Map<String, JsonValue> members = new LinkedHashMap<>();
    members.put("mediaType", new Text(descriptor.mediaType()));
    members.put("size", new Num(Long.toString(descriptor.sizeBytes())));
    members.put("digest", new Text(descriptor.digest().toString()));
    return members;
  }

  /** The media type of a layer. */
  static String layerType(CompressionFormat format, boolean isDocker) {
    if (format == CompressionFormat.NONE) {
      return isDocker ? MediaTypes.DOCKER_LAYER : MediaTypes.LAYER;
    }
    String name = format == CompressionFormat.ZSTD ? "zstd" : "gzip";
    return isDocker ? MediaTypes.DOCKER_LAYER + "." + name : MediaTypes.LAYER + "+" + name;
  }

  /** As dockerd writes it, so that it gives the same digest when it pushes the image again. */
  private static byte[] indented(Obj document) {
    StringBuilder text = new StringBuilder();
    indent(document, "\n", text);
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void indent(JsonValue value, String line, StringBuilder text) {
    String inner = line + "   ";
    String separator = "";
    if (value instanceof Obj object && !object.members().isEmpty()) {
      text.append('{');
      for (Member member : object.members()) {
        text.append(separator).append(inner).append('"').append(member.name()).append("\": ");
        indent(member.value(), inner, text);
        separator = ",";
      }
      text.append(line).append('}');
    } else if (value instanceof Array array && !array.elements().isEmpty()) {
      text.append('[');
      for (JsonValue element : array.elements()) {
        text.append(separator).append(inner);
        indent(element, inner, text);
        separator = ",";
      }
      text.append(line).append(']');
    } else {
      text.append(new String(value.toBytes(), StandardCharsets.UTF_8));
    }
  }
}
