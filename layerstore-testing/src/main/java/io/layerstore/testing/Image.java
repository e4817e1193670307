package io.layerstore.testing;

import io.layerstore.Digest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * An image as a config and layer archives, and the archive of it that {@code docker load} reads and
 * {@code docker save} writes.
 *
 * @param config the image's configuration, JSON
 * @param layers the layer archives, bottom first
 */
public record Image(String config, List<Path> layers) {

  private static final Pattern CONFIG = Pattern.compile("\"Config\":\"([^\"]+)\"");
  private static final Pattern LAYERS = Pattern.compile("\"Layers\":\\[([^\\]]*)]");
  private static final Pattern STRING = Pattern.compile("\"([^\"]+)\"");

  /** Copies the list. */
  public Image {
    layers = List.copyOf(layers);
  }

  /** An image that runs a shell, made of layers with these diff IDs. */
  public static Image of(List<String> diffIds, List<Path> layers) {
    String quoted =
        diffIds.stream().map(diffId -> '"' + diffId + '"').collect(Collectors.joining(","));
    return new Image(
        """
        {"architecture":"amd64","config":{"Cmd":["/bin/sh"]},"os":"linux",\
        "rootfs":{"type":"layers","diff_ids":[%s]}}"""
            .formatted(quoted),
        layers);
  }

  /** The digest of the config. */
  public String id() {
    return Digest.sha256Of(config.getBytes(StandardCharsets.UTF_8)).toString();
  }

  /** Writes an archive for {@code docker load}; {@code directory} is where it is put together. */
  public Path writeTo(Path directory, String reference) throws IOException, InterruptedException {
    Path content = Files.createDirectory(directory.resolve("content"));
    Files.writeString(content.resolve("config.json"), config);
    List<String> names = new ArrayList<>();
    for (Path layer : layers) {
      String name = "layer-" + names.size() + ".tar";
      Files.createLink(content.resolve(name), layer);
      names.add('"' + name + '"');
    }
    Files.writeString(
        content.resolve("manifest.json"),
        "[{\"Config\":\"config.json\",\"RepoTags\":[\"%s\"],\"Layers\":[%s]}]"
            .formatted(reference, String.join(",", names)));
    Path archive = directory.resolve("image.tar");
    Tool.require("tar").run("-C", content, "-cf", archive, ".");
    return archive;
  }

  /**
   * Reads an archive that {@code docker save} wrote for one image, unpacked into {@code directory}.
   */
  public static Image read(Path archive, Path directory) throws IOException, InterruptedException {
    Tool.require("tar").run("-C", Files.createDirectory(directory), "-xf", archive);
    String manifest = Files.readString(directory.resolve("manifest.json"));
    List<Path> layers = new ArrayList<>();
    Matcher layer = STRING.matcher(group(LAYERS, manifest));
    while (layer.find()) {
      layers.add(directory.resolve(layer.group(1)));
    }
    return new Image(Files.readString(directory.resolve(group(CONFIG, manifest))), layers);
  }

  private static String group(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    if (!matcher.find()) {
      throw new AssertionError("no " + pattern + " in " + text);
    }
    return matcher.group(1);
  }
}
