package io.layerstore.testing;

import io.layerstore.Digest;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * The files of a Docker data root as they are on disk, read without any code of the library.
 *
 * @param path the data root
 * @param driver the graph driver, which names the directories
 */
public record DataRoot(Path path, String driver) {

  private static final Pattern SEGMENT =
      Pattern.compile("\\{\"type\":2,\"payload\":\"([^\"]*)\",\"position\":\\d+}");
  private static final Pattern FILE = Pattern.compile("(\\{\"type\":1,.*),\"position\":\\d+}");

  /** The layer database. */
  public Path layerDb() {
    return path.resolve("image").resolve(driver).resolve("layerdb");
  }

  /** Where the driver keeps its layers, for a driver of one directory each. */
  public Path driverHome() {
    return path.resolve(driver);
  }

  /** The text of the file {@code name} of every layer that has one, by the layer's chain ID. */
  public SortedMap<String, String> texts(String name) throws IOException {
    SortedMap<String, String> texts = new TreeMap<>();
    for (String chainId : chainIds()) {
      Path file = layer(chainId).resolve(name);
      if (Files.exists(file)) {
        texts.put(chainId, Files.readString(file));
      }
    }
    return texts;
  }

  /** The chain IDs of all layers, sorted. */
  public List<String> chainIds() throws IOException {
    return names(layerDb().resolve("sha256")).stream().map(hex -> "sha256:" + hex).toList();
  }

  /** The names of all read-write layers, sorted. */
  public List<String> mounts() throws IOException {
    return names(layerDb().resolve("mounts"));
  }

  /** The directory of a layer in the layer database. */
  public Path layer(String chainId) {
    return layerDb().resolve(chainId.replace(':', '/'));
  }

  /** The name of a layer's directory in the driver. */
  public String cacheId(String chainId) throws IOException {
    return Files.readString(layer(chainId).resolve("cache-id"));
  }

  /**
   * The tar-split entries of a layer, one line each. What carries no meaning is evened out:
   * segments that follow each other are one, empty ones are none, and nothing is numbered.
   */
  public List<String> tarSplit(String chainId) throws IOException {
    List<String> entries = new ArrayList<>();
    ByteArrayOutputStream segment = new ByteArrayOutputStream();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(
                    Files.newInputStream(layer(chainId).resolve("tar-split.json.gz"))),
                StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher raw = SEGMENT.matcher(line);
        Matcher file = FILE.matcher(line);
        if (raw.matches()) {
          segment.writeBytes(Base64.getDecoder().decode(raw.group(1)));
        } else if (file.matches()) {
          addSegment(entries, segment);
          entries.add(file.group(1));
        } else {
          throw new IOException("not a tar-split entry: " + line);
        }
      }
    }
    addSegment(entries, segment);
    return entries;
  }

  private static void addSegment(List<String> entries, ByteArrayOutputStream segment) {
    if (segment.size() > 0) {
      entries.add(segment.size() + " bytes, " + Digest.sha256Of(segment.toByteArray()));
      segment.reset();
    }
  }

  /**
   * Adds an image as the daemon finds one when it starts: its config, and a name for it. Other
   * names are lost.
   *
   * @return the image ID
   */
  public String addImage(String repository, String tag, Image image) throws IOException {
    String id = image.id();
    Path images = path.resolve("image").resolve(driver);
    Path content = images.resolve("imagedb/content/sha256");
    Files.createDirectories(content);
    Files.writeString(content.resolve(id.substring("sha256:".length())), image.config());
    Files.writeString(
        images.resolve("repositories.json"),
        "{\"Repositories\":{\"%1$s\":{\"%1$s:%2$s\":\"%3$s\"}}}".formatted(repository, tag, id));
    return id;
  }

  /** Every file of the root with its size and time, but for what {@code exclude} begins with. */
  public Map<String, String> snapshot() throws IOException, InterruptedException {
    Map<String, String> files = new TreeMap<>();
    for (String line :
        Tool.require("find").in(path).run(".", "-printf", "%P|%y|%m|%s|%T@|%l\\n").lines()) {
      int bar = line.indexOf('|');
      files.put(line.substring(0, bar), line.substring(bar));
    }
    return files;
  }

  private static List<String> names(Path directory) throws IOException {
    if (Files.notExists(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
