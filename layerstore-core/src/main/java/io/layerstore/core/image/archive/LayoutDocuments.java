package io.layerstore.core.image.archive;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageManifest;
import io.layerstore.ImageReference;
import io.layerstore.SaveOptions;
import io.layerstore.core.image.archive.PlatformVariants.Variant;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Num;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Writes every document of a saved layout but the layers.
 *
 * <pre>
 * blobs/sha256/&lt;config>    the image's configuration, verbatim
 * blobs/sha256/&lt;digest>    the OCI manifest of each image; OCI: the one it came with, if its layers are these
 * blobs/sha256/&lt;digest>    OCI: the index of images that are one for several platforms, likewise
 * blobs/sha256/&lt;digest>    for Docker: the old description of each layer, see {@link V1Image}
 * index.json               OCI: the manifests, once for each tag
 * manifest.json            for Docker: [{"Config","RepoTags","Layers","Parent","LayerSources"}], and a newline
 * oci-layout               {"imageLayoutVersion": "1.0.0"}
 * repositories             for Docker, if there are tags: {repository:{tag:top diff ID}}, and a newline
 * </pre>
 *
 * <p>The bytes are those of Docker 29, but for an image without a tag beside others with one:
 * Docker leaves it out of {@code index.json}, so that no OCI tool finds it. Checked against moby
 * master of August 2026, {@code daemon/internal/image/tarexport/save.go}.
 */
final class LayoutDocuments {

  private static final String MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
  private static final String INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
  private static final String CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
  private static final String LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar";

  /** The last second that a Go program can set as a file's time. */
  private static final Instant LAST = Instant.ofEpochSecond(Long.MAX_VALUE / 1_000_000_000);

  private final ImageArchives.Host host;
  private final SaveOptions options;
  private final Map<DiffId, SavedLayer> layers;
  private final SortedMap<String, Document> documents = new TreeMap<>();

  private final List<JsonValue> index = new ArrayList<>();
  private final List<JsonValue> manifest = new ArrayList<>();
  private final SortedMap<String, SortedMap<String, JsonValue>> repositories = new TreeMap<>();

  /**
   * A document.
   *
   * @param bytes its content
   * @param modified its time
   */
  record Document(ByteString bytes, Instant modified) {}

  private LayoutDocuments(
      ImageArchives.Host host, SaveOptions options, Map<DiffId, SavedLayer> layers) {
    this.host = host;
    this.options = options;
    this.layers = layers;
  }

  /** The documents by path. */
  static SortedMap<String, Document> of(
      ImageArchives.Host host,
      List<SaveSelection.Chosen> images,
      SaveOptions options,
      Map<DiffId, SavedLayer> layers)
      throws IOException {
    LayoutDocuments writer = new LayoutDocuments(host, options, layers);
    Set<ImageId> ids = new HashSet<>();
    images.forEach(chosen -> ids.add(chosen.image().id()));
    for (SaveSelection.Chosen chosen : images) {
      writer.add(chosen, ids);
    }
    writer.finish();
    return writer.documents;
  }

  /** The lists of a plain layout whose only image is described already. */
  static Map<String, Document> lists(Descriptor image, ImageReference name) {
    return lists(entries(name.tag().isPresent() ? List.of(name) : List.of(), image));
  }

  /** The time of an image's files. */
  static Instant time(Image image) {
    Instant created = image.config().created().orElse(null);
    return created == null || created.isBefore(Instant.EPOCH) || created.isAfter(LAST)
        ? Instant.EPOCH
        : created;
  }

  private boolean isDocker() {
    return options.format() == SaveOptions.Format.DOCKER;
  }

  private void add(SaveSelection.Chosen chosen, Set<ImageId> ids) throws IOException {
    if (!chosen.index().isEmpty()) {
      index.addAll(entries(chosen.tags(), putIndex(chosen.index())));
      return;
    }
    Image image = chosen.image();
    index.addAll(entries(chosen.tags(), putManifest(image)));
    if (isDocker()) {
      addOldDescriptions(image, image.configBytes().toByteArray());
      addToManifest(chosen, ids);
    }
  }

  /** Writes configuration and manifest of an image. */
  private Descriptor putManifest(Image image) throws IOException {
    byte[] config = image.configBytes().toByteArray();
    putBlob(image.id().digest(), config, time(image));
    List<DiffId> diffIds = image.config().diffIds();
    ImageManifest same =
        PlatformVariants.describing(
            kept(host.images().manifests(image.id()), MANIFEST_TYPE),
            image.id(),
            diffIds.stream().map(diffId -> layer(diffId).digest()).toList());
    if (same != null) {
      putBlob(same.descriptor().digest(), same.bytes().toByteArray(), Instant.EPOCH);
      return same.descriptor();
    }
    Map<String, JsonValue> own = new LinkedHashMap<>();
    own.put("schemaVersion", new Num("2"));
    own.put("mediaType", new Text(MANIFEST_TYPE));
    own.put("config", descriptor(CONFIG_TYPE, image.id().digest(), config.length));
    List<JsonValue> layerDescriptors = new ArrayList<>();
    for (DiffId diffId : diffIds) {
      layerDescriptors.add(layerDescriptor(diffId));
    }
    own.put("layers", new Array(layerDescriptors));
    return putDocument(MANIFEST_TYPE, V1Image.object(own).toBytes());
  }

  /** Documents that may be written as they came: Docker's layout is Docker's to the byte. */
  private List<ImageManifest> kept(List<ImageManifest> documents, String type) {
    return documents.stream()
        .filter(document -> !isDocker() && document.descriptor().mediaType().equals(type))
        .filter(document -> document.descriptor().digest().algorithm() == Digest.Algorithm.SHA256)
        .toList();
  }

  private Descriptor putIndex(List<Variant> variants) throws IOException {
    Set<Digest> manifests = new HashSet<>();
    List<JsonValue> entries = new ArrayList<>();
    for (Variant variant : variants) {
      Descriptor manifest = putManifest(variant.image());
      manifests.add(manifest.digest());
      entries.add(ImageDocuments.entry(manifest, variant.platform()));
    }
    ImageManifest same =
        KeptIndexes.find(
            kept(PlatformVariants.indexes(host, variants), INDEX_TYPE),
            manifests,
            new KeptIndexes.Place() {
              @Override
              public boolean has(Digest manifest) {
                return false;
              }

              @Override
              public void put(ImageManifest index) {
                putBlob(index.descriptor().digest(), index.bytes().toByteArray(), Instant.EPOCH);
              }
            });
    if (same != null) {
      putBlob(same.descriptor().digest(), same.bytes().toByteArray(), Instant.EPOCH);
      return same.descriptor();
    }
    return putDocument(INDEX_TYPE, ImageDocuments.index(false, entries).bytes());
  }

  private Descriptor putDocument(String type, byte[] document) {
    Digest digest = Digest.sha256Of(document);
    putBlob(digest, document, Instant.EPOCH);
    return Descriptor.of(type, document.length, digest);
  }

  /** A document in {@code index.json}, once for each tag. */
  private static List<JsonValue> entries(List<ImageReference> tags, Descriptor document) {
    if (tags.isEmpty()) {
      return List.of(V1Image.object(members(document)));
    }
    List<JsonValue> entries = new ArrayList<>();
    for (ImageReference tag : tags) {
      Map<String, JsonValue> annotations = new LinkedHashMap<>();
      annotations.put("io.containerd.image.name", new Text(tag.canonical()));
      annotations.put("org.opencontainers.image.ref.name", new Text(tag.tag().orElse("")));
      Map<String, JsonValue> entry = members(document);
      entry.put("annotations", V1Image.object(annotations));
      entries.add(V1Image.object(entry));
    }
    return entries;
  }

  private static Map<String, JsonValue> members(Descriptor document) {
    return members(document.mediaType(), document.digest(), document.sizeBytes());
  }

  private void addOldDescriptions(Image image, byte[] config) throws IOException {
    Instant time = time(image);
    List<DiffId> diffIds = image.config().diffIds();
    JsonValue document = JsonValue.parse(config);
    ChainId chainId = null;
    Digest parent = null;
    for (int i = 0; i < diffIds.size(); i++) {
      chainId = ChainId.of(chainId, diffIds.get(i));
      V1Image described = i == diffIds.size() - 1 ? V1Image.of(document) : V1Image.ofLowerLayer();
      Digest id = described.id(chainId, parent);
      described = described.with("id", id.hex());
      if (parent != null) {
        described = described.with("parent", parent.hex());
      }
      byte[] bytes = described.with("os", image.config().os()).toJson().toBytes();
      putBlob(Digest.sha256Of(bytes), bytes, time);
      parent = id;
    }
  }

  private void addToManifest(SaveSelection.Chosen chosen, Set<ImageId> ids) {
    Image image = chosen.image();
    List<DiffId> diffIds = image.config().diffIds();
    List<JsonValue> paths = new ArrayList<>();
    SortedMap<String, JsonValue> sources = new TreeMap<>();
    for (DiffId diffId : diffIds) {
      paths.add(new Text(layer(diffId).path()));
      SavedLayer layer = layer(diffId);
      // In the order of Docker's own descriptor, where the size comes first.
      Map<String, JsonValue> source = new LinkedHashMap<>();
      source.put("mediaType", new Text(layerType()));
      source.put("size", new Num(Long.toString(layer.sizeBytes())));
      source.put("digest", new Text(layer.digest().toString()));
      sources.put(diffId.toString(), V1Image.object(source));
    }
    List<String> tags = new ArrayList<>();
    for (ImageReference tag : chosen.tags()) {
      tags.add(tag.toString());
      repositories
          .computeIfAbsent(tag.repository(), name -> new TreeMap<>())
          .put(tag.tag().orElse(""), new Text(diffIds.get(diffIds.size() - 1).digest().hex()));
    }
    Map<String, JsonValue> item = new LinkedHashMap<>();
    item.put("Config", new Text(LayoutWriter.path(image.id().digest())));
    item.put("RepoTags", tags.isEmpty() ? new JsonValue.Null() : Array.ofTexts(tags));
    item.put("Layers", new Array(paths));
    ImageId parent = image.parent().orElse(null);
    if (parent != null && !parent.equals(image.id()) && ids.contains(parent)) {
      item.put("Parent", new Text(parent.toString()));
    }
    item.put("LayerSources", V1Image.object(sources));
    manifest.add(V1Image.object(item));
  }

  private static Map<String, Document> lists(List<JsonValue> index) {
    Map<String, JsonValue> list = new LinkedHashMap<>();
    list.put("schemaVersion", new Num("2"));
    list.put("mediaType", new Text(INDEX_TYPE));
    list.put("manifests", new Array(index));
    byte[] layout = "{\"imageLayoutVersion\": \"1.0.0\"}".getBytes(StandardCharsets.US_ASCII);
    return Map.of(
        Contents.INDEX,
        document(V1Image.object(list).toBytes()),
        Contents.LAYOUT,
        document(layout));
  }

  private static Document document(byte[] bytes) {
    return new Document(ByteString.of(bytes), Instant.EPOCH);
  }

  private void finish() {
    documents.putAll(lists(index));
    if (isDocker()) {
      put(Contents.MANIFEST, line(new Array(manifest)));
      if (!repositories.isEmpty()) {
        Map<String, JsonValue> names = new LinkedHashMap<>();
        repositories.forEach((name, tags) -> names.put(name, V1Image.object(tags)));
        put("repositories", line(V1Image.object(names)));
      }
    }
  }

  /** As Go's encoder ends a document. */
  private static byte[] line(JsonValue value) {
    byte[] bytes = value.toBytes();
    byte[] line = java.util.Arrays.copyOf(bytes, bytes.length + 1);
    line[bytes.length] = '\n';
    return line;
  }

  private void put(String path, byte[] bytes) {
    documents.put(path, document(bytes));
  }

  private void putBlob(Digest digest, byte[] bytes, Instant modified) {
    documents.putIfAbsent(LayoutWriter.path(digest), new Document(ByteString.of(bytes), modified));
  }

  private SavedLayer layer(DiffId diffId) {
    SavedLayer layer = layers.get(diffId);
    if (layer == null) {
      throw new IllegalStateException("layer " + diffId + " was not described");
    }
    return layer;
  }

  private Obj layerDescriptor(DiffId diffId) {
    SavedLayer layer = layer(diffId);
    return descriptor(layerType(), layer.digest(), layer.sizeBytes());
  }

  private String layerType() {
    return switch (options.compression()) {
      case NONE -> LAYER_TYPE;
      case GZIP -> LAYER_TYPE + "+gzip";
      case ZSTD -> LAYER_TYPE + "+zstd";
    };
  }

  private static Obj descriptor(String mediaType, Digest digest, long size) {
    return V1Image.object(members(mediaType, digest, size));
  }

  private static Map<String, JsonValue> members(String mediaType, Digest digest, long size) {
    Map<String, JsonValue> members = new LinkedHashMap<>();
    members.put("mediaType", new Text(mediaType));
    members.put("digest", new Text(digest.toString()));
    members.put("size", new Num(Long.toString(size)));
    return members;
  }
}
