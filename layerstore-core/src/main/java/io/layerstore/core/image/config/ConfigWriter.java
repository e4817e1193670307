package io.layerstore.core.image.config;

import io.layerstore.BuildOptions;
import io.layerstore.DiffId;
import io.layerstore.Platform;
import io.layerstore.core.image.change.ConfigChanges;
import io.layerstore.core.json.GoTime;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Bool;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import io.layerstore.core.json.ObjEditor;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes the configuration of a new image: compact, its members sorted, as Docker does; the same
 * input gives the same bytes.
 *
 * <p>What the configuration it is made from says about the image as such is kept, known or not.
 * What it says about how that image came to be is not: its container, its engine, its comment.
 */
public final class ConfigWriter {

  private static final List<String> OF_THE_PARENT_ALONE =
      List.of("id", "parent", "comment", "container", "container_config", "docker_version", "Size");

  /** Names of processors in Java that have others in images. */
  private static final Map<String, String> ARCHITECTURES =
      Map.of(
          "x86_64",
          "amd64",
          "x86",
          "386",
          "i386",
          "386",
          "i686",
          "386",
          "aarch64",
          "arm64",
          "loongarch64",
          "loong64");

  private final ObjEditor image;
  private final Instant created;
  private final List<DiffId> diffIds;

  /**
   * @param base the configuration to begin with; {@link Obj#EMPTY} for a first image
   * @param baseDiffIds the layers to begin with
   * @param changes Dockerfile instructions
   * @throws IllegalArgumentException if a change is not valid, or the time cannot be written
   */
  public ConfigWriter(Obj base, List<DiffId> baseDiffIds, List<String> changes, Instant created) {
    this.image = new ObjEditor(base);
    this.created = created;
    this.diffIds = new ArrayList<>(baseDiffIds);
    OF_THE_PARENT_ALONE.forEach(image::remove);
    image.set("config", ConfigChanges.apply(image.object("config"), changes));
    image.set("created", new Text(GoTime.format(created)));
    if (image.text("architecture").isEmpty()) {
      image.set("architecture", new Text(architecture()));
    }
    // Whatever case the image below has it in, see ImageConfigReader.requireOs.
    image.set("os", new Text(ImageConfigReader.OS));
  }

  private static String architecture() {
    String name = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return ARCHITECTURES.getOrDefault(name, name);
  }

  public void setPlatform(Platform platform) {
    image.set("architecture", new Text(platform.architecture()));
    image.setUnlessEmpty("variant", platform.variant().orElse(null));
    image.setUnlessEmpty("os.version", platform.osVersion().orElse(null));
    image.remove("os.features");
    if (!platform.osFeatures().isEmpty()) {
      image.set("os.features", Array.ofTexts(platform.osFeatures()));
    }
  }

  /** Sets how the image is run, besides what the base says. */
  public void setRun(BuildOptions options) {
    image.set("config", ConfigChanges.set(image.object("config"), options));
  }

  public void setAuthor(@Nullable String author) {
    image.setUnlessEmpty("author", author);
  }

  public void setComment(String comment) {
    image.setUnlessEmpty("comment", comment);
  }

  public void addLayer(DiffId diffId) {
    diffIds.add(diffId);
  }

  public void addHistory(
      @Nullable String createdBy,
      @Nullable String author,
      @Nullable String comment,
      boolean isEmptyLayer) {
    ObjEditor step = new ObjEditor(Obj.EMPTY);
    step.set("created", new Text(GoTime.format(created)));
    step.setUnlessEmpty("author", author);
    step.setUnlessEmpty("created_by", createdBy);
    step.setUnlessEmpty("comment", comment);
    if (isEmptyLayer) {
      step.set("empty_layer", new Bool(true));
    }
    List<JsonValue> history = new ArrayList<>(image.array("history"));
    history.add(step.withFirst(List.of()));
    image.set("history", new Array(history));
  }

  /** The configuration. */
  public byte[] toBytes() {
    ObjEditor rootFs = new ObjEditor(image.object("rootfs"));
    if (rootFs.text("type").isEmpty()) {
      rootFs.set("type", new Text("layers"));
    }
    rootFs.remove("diff_ids");
    if (!diffIds.isEmpty()) {
      rootFs.set("diff_ids", Array.ofTexts(diffIds.stream().map(DiffId::toString).toList()));
    }
    image.set("rootfs", rootFs.withFirst(List.of("type", "diff_ids")));
    return image.sorted().toBytes();
  }
}
