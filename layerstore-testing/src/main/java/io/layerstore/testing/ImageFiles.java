package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.Digest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;

/**
 * The members of an image archive, in an order that a test chooses; becomes a tar or a directory.
 * Not safe for use by several threads.
 */
public final class ImageFiles {

  private static final String OCI = "application/vnd.oci.image.";

  private final Map<String, byte[]> files = new LinkedHashMap<>();
  private final Map<String, String> links = new LinkedHashMap<>();

  /** What {@code docker save} would write for one image, documents last. */
  public static ImageFiles docker(SampleImage image, String... tags) {
    return docker(List.of(image), item(image, tags));
  }

  /** A docker archive of several items, each made by {@link #item}, documents last. */
  public static ImageFiles docker(List<SampleImage> images, String... items) {
    ImageFiles files = new ImageFiles();
    images.forEach(files::addLayers);
    return files.add(manifest(items), images.toArray(SampleImage[]::new));
  }

  private ImageFiles addLayers(SampleImage image) {
    for (byte[] layer : image.layers()) {
      put(layerPath(layer), layer);
    }
    return this;
  }

  private ImageFiles add(String manifest, SampleImage... images) {
    for (SampleImage image : images) {
      put(configPath(image), image.configBytes());
    }
    return put("manifest.json", manifest);
  }

  /** Where {@link #docker} has a layer. */
  public static String layerPath(byte[] layer) {
    return Digest.sha256Of(layer).hex() + "/layer.tar";
  }

  /** Where {@link #docker} has the configuration. */
  public static String configPath(SampleImage image) {
    return image.id().digest().hex() + ".json";
  }

  /** One image in {@code manifest.json}. */
  public static String item(SampleImage image, String... tags) {
    return item(image, "", tags);
  }

  /**
   * One image in {@code manifest.json}.
   *
   * @param more further members, beginning with a comma
   */
  public static String item(SampleImage image, String more, String[] tags) {
    String layers =
        image.layers().stream()
            .map(ImageFiles::layerPath)
            .map(ImageFiles::quoted)
            .collect(commas());
    String names =
        tags.length == 0
            ? "null"
            : List.of(tags).stream().map(ImageFiles::quoted).collect(commas("[", "]"));
    return "{\"Config\":%s,\"RepoTags\":%s,\"Layers\":[%s]%s}"
        .formatted(quoted(configPath(image)), names, layers, more);
  }

  /** {@code manifest.json} with these items. */
  public static String manifest(String... items) {
    return List.of(items).stream().collect(commas("[", "]\n"));
  }

  private static java.util.stream.Collector<CharSequence, ?, String> commas() {
    return Collectors.joining(",");
  }

  private static java.util.stream.Collector<CharSequence, ?, String> commas(
      String before, String after) {
    return Collectors.joining(",", before, after);
  }

  private static String quoted(String text) {
    return "\"" + text + "\"";
  }

  /** An OCI layout of one image, {@code index.json} first, with layers as they are. */
  public static ImageFiles oci(SampleImage image, String annotations) {
    return oci(image, annotations, "tar", layer -> layer);
  }

  /** An OCI layout of one image whose layers are compressed. */
  public static ImageFiles oci(
      SampleImage image, String annotations, String type, UnaryOperator<byte[]> compression) {
    ImageFiles files = new ImageFiles();
    List<byte[]> blobs = image.layers().stream().map(compression).toList();
    byte[] manifest = ociManifest(image, type, blobs).getBytes(UTF_8);
    files.putIndex(
        descriptor(OCI + "manifest.v1+json", manifest, ",\"annotations\":{" + annotations + "}"));
    files.put("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    files.putBlob(manifest).putBlob(image.configBytes());
    blobs.forEach(files::putBlob);
    return files;
  }

  /** The OCI manifest of an image whose layer blobs are {@code blobs}. */
  public static String ociManifest(SampleImage image, String type, List<byte[]> blobs) {
    String layers =
        blobs.stream()
            .map(blob -> descriptor(OCI + "layer.v1." + type, blob, ""))
            .collect(commas());
    return "{\"schemaVersion\":2,\"mediaType\":\"%smanifest.v1+json\",\"config\":%s,\"layers\":[%s]}"
        .formatted(OCI, descriptor(OCI + "config.v1+json", image.configBytes(), ""), layers);
  }

  /**
   * A descriptor.
   *
   * @param more further members, beginning with a comma
   */
  public static String descriptor(String mediaType, byte[] blob, String more) {
    return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d%s}"
        .formatted(mediaType, Digest.sha256Of(blob), blob.length, more);
  }

  /** An index with these descriptors. */
  public static String index(String... descriptors) {
    return "{\"schemaVersion\":2,\"mediaType\":\"%sindex.v1+json\",\"manifests\":[%s]}"
        .formatted(OCI, String.join(",", descriptors));
  }

  /** Sets {@code index.json}. */
  public ImageFiles putIndex(String... descriptors) {
    return put("index.json", index(descriptors));
  }

  /** Adds a blob under its digest. */
  public ImageFiles putBlob(byte[] blob) {
    return put("blobs/sha256/" + Digest.sha256Of(blob).hex(), blob);
  }

  /** Adds or replaces a member. */
  public ImageFiles put(String path, byte[] content) {
    files.put(path, content);
    return this;
  }

  /** Adds or replaces a member. */
  public ImageFiles put(String path, String content) {
    return put(path, content.getBytes(UTF_8));
  }

  /** Adds a symbolic link. */
  public ImageFiles link(String path, String target) {
    links.put(path, target);
    return this;
  }

  /** Takes a member out. */
  public ImageFiles remove(String path) {
    if (files.remove(path) == null) {
      throw new AssertionError("no member " + path);
    }
    return this;
  }

  /** Adds all members of {@code other}. */
  public ImageFiles putAll(ImageFiles other) {
    files.putAll(other.files);
    links.putAll(other.links);
    return this;
  }

  /** The content of a member. */
  public byte[] get(String path) {
    byte[] content = files.get(path);
    if (content == null) {
      throw new AssertionError("no member " + path + " among " + files.keySet());
    }
    return content;
  }

  /** The paths of all members, in order. */
  public List<String> paths() {
    return List.copyOf(files.keySet());
  }

  /** The same members, small ones first, so that all documents come before large layers. */
  public ImageFiles smallFirst() {
    ImageFiles sorted = new ImageFiles();
    List<Map.Entry<String, byte[]>> entries = new ArrayList<>(files.entrySet());
    entries.sort(
        (a, b) -> Boolean.compare(a.getValue().length > 1 << 20, b.getValue().length > 1 << 20));
    entries.forEach(entry -> sorted.put(entry.getKey(), entry.getValue()));
    sorted.links.putAll(links);
    return sorted;
  }

  /** A tar with the members in their order, links first. */
  public byte[] toTar() {
    TarBuilder tar = new TarBuilder();
    links.forEach(tar::symlink);
    files.forEach(
        (path, content) -> {
          if (path.length() > 100) {
            tar.pax("path", path);
          }
          tar.file(TarHeaderBlock.named(path.substring(0, Math.min(100, path.length()))), content);
        });
    return tar.end().toBytes();
  }

  /** The tar as a stream that can be read once. */
  public InputStream toStream() {
    return new ByteArrayInputStream(toTar());
  }

  /** Writes the tar to a file. */
  public Path writeTar(Path file) throws IOException {
    return Files.write(file, toTar());
  }

  /** Writes the members into a new directory. */
  public Path writeDirectory(Path directory) throws IOException {
    Files.createDirectories(directory);
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      Path path = directory.resolve(file.getKey());
      Files.createDirectories(path.getParent());
      Files.write(path, file.getValue());
    }
    for (Map.Entry<String, String> link : links.entrySet()) {
      Path path = directory.resolve(link.getKey());
      Files.createDirectories(path.getParent());
      Files.createSymbolicLink(path, directory.getFileSystem().getPath(link.getValue()));
    }
    return directory;
  }

  /** Compressed with gzip. */
  public static byte[] gzip(byte[] plain) {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(compressed)) {
      out.write(plain);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return compressed.toByteArray();
  }
}
