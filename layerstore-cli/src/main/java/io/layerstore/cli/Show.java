package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerPath;
import java.io.IOException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** How the values of the API look: short for people, complete in JSON. */
final class Show {
  /** As many digits as Docker shows; {@code LayerStore.resolve} takes them. */
  private static final int SHORT_ID_DIGITS = 12;

  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};

  private Show() {}

  static String shortId(ChainId chainId) {
    return shortId(chainId.digest());
  }

  static String shortId(DiffId diffId) {
    return shortId(diffId.digest());
  }

  static String shortId(Digest digest) {
    return digest.hex().substring(0, SHORT_ID_DIGITS);
  }

  static String shortId(Optional<ChainId> chainId) {
    return chainId.map(Show::shortId).orElse("-");
  }

  /** A size in decimal units, such as {@code 12.3 MB}. */
  static String size(long bytes) {
    if (bytes < 1000) {
      return bytes + " B";
    }
    double value = bytes;
    int unit = 0;
    while (value >= 999.95 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    return String.format(Locale.ROOT, "%.1f %s", value, UNITS[unit]);
  }

  static String count(int number, String noun) {
    return number + " " + noun + (number == 1 ? "" : "s");
  }

  /** Who holds a layer, in words; empty if nobody does. */
  static String users(LayerInfo.Usage usage) {
    StringBuilder users = new StringBuilder();
    if (!usage.children().isEmpty()) {
      users.append(usage.children().size() == 1 ? "layer " : "layers ");
      users.append(String.join(", ", usage.children().stream().map(Show::shortId).toList()));
    }
    if (!usage.rwLayers().isEmpty()) {
      users.append(users.length() == 0 ? "" : " and ");
      users.append(usage.rwLayers().size() == 1 ? "read-write layer " : "read-write layers ");
      users.append(String.join(", ", usage.rwLayers()));
    }
    for (String holder : usage.otherHolders()) {
      users.append(users.length() == 0 ? "" : " and ").append(holder);
    }
    return users.toString();
  }

  /** The line for a layer that was just registered. */
  static String registered(Layer layer) {
    return layer.diffId() + " " + layer.chainId() + " " + layer.diffSizeBytes();
  }

  static void layer(JsonGenerator json, Layer layer) throws IOException {
    identity(json, layer.diffId(), layer.chainId(), layer.parent());
    json.writeNumberField("depth", layer.depth());
    json.writeStringField("cacheId", layer.cacheId());
    sizes(json, layer.diffSizeBytes(), layer.sizeBytes());
  }

  static void layer(JsonGenerator json, LayerInfo layer) throws IOException {
    identity(json, layer.diffId(), layer.chainId(), layer.parent());
    json.writeNumberField("depth", layer.depth());
    json.writeStringField("cacheId", layer.cacheId());
    sizes(json, layer.diffSizeBytes(), layer.sizeBytes());
    usage(json, layer.usage());
  }

  private static void identity(
      JsonGenerator json, DiffId diffId, ChainId chainId, Optional<ChainId> parent)
      throws IOException {
    json.writeStringField("diffId", diffId.toString());
    json.writeStringField("chainId", chainId.toString());
    optional(json, "parent", parent);
  }

  private static void sizes(JsonGenerator json, long diffSize, long chainSize) throws IOException {
    json.writeNumberField("diffSizeBytes", diffSize);
    json.writeNumberField("sizeBytes", chainSize);
  }

  static void descriptor(JsonGenerator json, Descriptor descriptor) throws IOException {
    json.writeObjectFieldStart("descriptor");
    json.writeStringField("mediaType", descriptor.mediaType());
    json.writeStringField("digest", descriptor.digest().toString());
    json.writeNumberField("sizeBytes", descriptor.sizeBytes());
    strings(json, "urls", descriptor.urls());
    map(json, "annotations", descriptor.annotations());
    json.writeEndObject();
  }

  static void usage(JsonGenerator json, LayerInfo.Usage usage) throws IOException {
    strings(json, "children", usage.children());
    strings(json, "rwLayers", usage.rwLayers());
    strings(json, "otherHolders", usage.otherHolders());
  }

  /** The layers a release deleted, child before parent. */
  static void deleted(JsonGenerator json, List<LayerInfo> deleted) throws IOException {
    json.writeArrayFieldStart("deletedLayers");
    for (LayerInfo layer : deleted) {
      json.writeStartObject();
      json.writeStringField("diffId", layer.diffId().toString());
      json.writeStringField("chainId", layer.chainId().toString());
      sizes(json, layer.diffSizeBytes(), layer.sizeBytes());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  static void optional(JsonGenerator json, String name, Optional<?> value) throws IOException {
    if (value.isPresent()) {
      json.writeStringField(name, value.get().toString());
    } else {
      json.writeNullField(name);
    }
  }

  static void strings(JsonGenerator json, String name, List<?> values) throws IOException {
    json.writeArrayFieldStart(name);
    for (Object value : values) {
      json.writeString(value.toString());
    }
    json.writeEndArray();
  }

  /** Each value on a line of its own. */
  static void lines(Output out, List<?> values) throws IOException {
    for (Object value : values) {
      out.line(value.toString());
    }
  }

  static void map(JsonGenerator json, String name, Map<String, String> values) throws IOException {
    json.writeObjectFieldStart(name);
    for (Map.Entry<String, String> entry : new TreeMap<>(values).entrySet()) {
      json.writeStringField(entry.getKey(), entry.getValue());
    }
    json.writeEndObject();
  }

  /**
   * A path of a layer: exact where it is well-formed UTF-8. JSON can hold nothing else, so any
   * other is shown printable, with {@code pathHex} beside it, which has its bytes.
   */
  static void path(JsonGenerator json, LayerPath path) throws IOException {
    Optional<String> exact = path.bytes().decodeUtf8();
    json.writeStringField("path", "/" + exact.orElseGet(path::toString));
    if (exact.isEmpty()) {
      byte[] name = path.bytes().toByteArray();
      json.writeStringField("pathHex", "2f" + HexFormat.of().formatHex(name));
    }
  }
}
