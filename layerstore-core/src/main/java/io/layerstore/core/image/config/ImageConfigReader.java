package io.layerstore.core.image.config;

import io.layerstore.ByteString;
import io.layerstore.DiffId;
import io.layerstore.ImageConfig;
import io.layerstore.ImageConfig.HistoryEntry;
import io.layerstore.ImageConfig.RunConfig;
import io.layerstore.InvalidImageException;
import io.layerstore.core.json.GoStruct;
import io.layerstore.core.json.JsonValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads an image configuration, and refuses what Docker refuses.
 *
 * <pre>
 * image   = {"architecture":S,"variant":S,"os":S,"os.version":S,"os.features":[S],"created":T,"author":S,"comment":S,
 *            "id":S,"parent":S,"container":S,"docker_version":S,"Size":N,"config":run,"container_config":run,
 *            "rootfs":{"type":S,"diff_ids":[D]},"history":[step]}
 * step    = {"created":T,"created_by":S,"author":S,"comment":S,"empty_layer":B}
 * run     = {"User":S,"Env":[S],"Entrypoint":C,"Cmd":C,"WorkingDir":S,"Labels":{S:S},"ExposedPorts":{S:{}},"Volumes":{S:{}},
 *            "StopSignal":S, ...}                                    C = [S] or S; the rest in {@link #checkRest}
 * </pre>
 *
 * <p>Only {@code rootfs} must be there. Steps that made a layer must not outnumber the layers.
 * Members that are not known may be anything. Checked against moby v20.10.24 and v28.5, {@code
 * image/image.go} and {@code image/store.go}.
 */
public final class ImageConfigReader {

  private static final String DOCUMENT = "the image configuration";

  /** Far above what any image has; the limit of registries, too. */
  public static final int MAX_BYTES = 4 << 20;

  /** What layers on disk are for, wherever this runs. */
  public static final String OS = "linux";

  private ImageConfigReader() {}

  /**
   * Reads a configuration.
   *
   * @throws InvalidImageException if it is none
   */
  public static ImageConfig read(byte[] bytes) throws InvalidImageException {
    return read(parse(bytes));
  }

  /**
   * The document of a configuration.
   *
   * @throws InvalidImageException if it is no JSON
   */
  public static JsonValue parse(byte[] bytes) throws InvalidImageException {
    if (bytes.length == 0) {
      throw new InvalidImageException("the image configuration is empty");
    }
    if (bytes.length > MAX_BYTES) {
      throw new InvalidImageException(
          DOCUMENT
              + " has "
              + bytes.length
              + " bytes, where at most "
              + MAX_BYTES
              + " are allowed");
    }
    return GoStruct.parse(DOCUMENT, bytes);
  }

  /**
   * Whether a document is a JSON object of something else, such as a signature, which tools give
   * the type of a configuration for want of a better one.
   */
  public static boolean isOther(byte[] bytes) {
    try {
      return GoStruct.of(DOCUMENT, parse(bytes)).struct("rootfs") == null;
    } catch (InvalidImageException e) {
      return false;
    }
  }

  /** Reads a configuration that was parsed. */
  public static ImageConfig read(JsonValue document) throws InvalidImageException {
    GoStruct image = GoStruct.of(DOCUMENT, document);
    checkRest(image);
    GoStruct rootFs = image.struct("rootfs");
    if (rootFs == null) {
      throw new InvalidImageException("invalid image JSON, no RootFS key");
    }
    List<DiffId> diffIds = diffIds(rootFs);
    List<HistoryEntry> history = history(image);
    long layers = history.stream().filter(step -> !step.isEmptyLayer()).count();
    if (layers > diffIds.size()) {
      throw new InvalidImageException(
          "too many non-empty layers in History section: "
              + layers
              + " where there are "
              + diffIds.size()
              + " layers");
    }
    GoStruct run = image.struct("config");
    return new ImageConfig(
        image.text("architecture"),
        image.text("os"),
        emptyToAbsent(image.text("variant")),
        Optional.ofNullable(image.time("created")),
        emptyToAbsent(image.text("author")),
        run == null ? RunConfig.EMPTY : run(run),
        diffIds,
        history);
  }

  /**
   * Refuses an image that Docker could not restore.
   *
   * <p>The case counts: dockerd up to 20.10 looks the layers up by the very string, finds no store
   * under {@code Linux} and does not come up any more on a root with such an image.
   *
   * @throws InvalidImageException if it is for another operating system
   */
  public static void requireOs(ImageConfig config) throws InvalidImageException {
    requireSystem(config);
    if (!config.os().isEmpty() && !config.os().equals(OS)) {
      throw new InvalidImageException(
          "the image configuration has the operating system "
              + ByteString.utf8(config.os())
              + ", where the only spelling is "
              + OS
              + ": dockerd up to 20.10 no longer starts on a root with it; change it, which"
              + " makes another image");
    }
  }

  /** What newer engines take in any case may be there already. */
  public static void requireSystem(ImageConfig config) throws InvalidImageException {
    if (!config.os().isEmpty() && !config.os().equalsIgnoreCase(OS)) {
      throw new InvalidImageException(
          "the image is for the operating system "
              + ByteString.utf8(config.os())
              + ", and the layers of this store are for "
              + OS);
    }
  }

  private static List<DiffId> diffIds(GoStruct rootFs) throws InvalidImageException {
    rootFs.text("type");
    List<DiffId> diffIds = new ArrayList<>();
    for (String text : rootFs.texts("diff_ids")) {
      try {
        diffIds.add(DiffId.parse(text));
      } catch (IllegalArgumentException e) {
        throw new InvalidImageException(
            "the image configuration has a malformed diff id: " + e.getMessage(), e);
      }
    }
    return diffIds;
  }

  private static List<HistoryEntry> history(GoStruct image) throws InvalidImageException {
    List<HistoryEntry> history = new ArrayList<>();
    for (GoStruct step : image.structs("history")) {
      history.add(
          new HistoryEntry(
              Optional.ofNullable(step.time("created")),
              emptyToAbsent(step.text("created_by")),
              emptyToAbsent(step.text("author")),
              emptyToAbsent(step.text("comment")),
              step.flag("empty_layer")));
    }
    return history;
  }

  private static RunConfig run(GoStruct run) throws InvalidImageException {
    return new RunConfig(
        run.text("User"),
        run.texts("Env"),
        run.command("Entrypoint"),
        run.command("Cmd"),
        run.text("WorkingDir"),
        run.textMap("Labels"),
        run.set("ExposedPorts"),
        run.set("Volumes"),
        emptyToAbsent(run.text("StopSignal")));
  }

  /**
   * Checks the types of what is not shown: an image that dockerd would not restore is none here.
   */
  private static void checkRest(GoStruct image) throws InvalidImageException {
    for (String name :
        List.of("id", "parent", "comment", "container", "docker_version", "os.version")) {
      image.text(name);
    }
    image.integer("Size", 0);
    image.texts("os.features");
    GoStruct config = image.struct("config");
    if (config != null) {
      checkRun(config);
    }
    GoStruct container = image.struct("container_config");
    if (container != null) {
      checkRun(container);
      run(container);
    }
  }

  private static void checkRun(GoStruct run) throws InvalidImageException {
    for (String name : List.of("Hostname", "Domainname", "Image", "MacAddress")) {
      run.text(name);
    }
    for (String name :
        List.of(
            "AttachStdin",
            "AttachStdout",
            "AttachStderr",
            "Tty",
            "OpenStdin",
            "StdinOnce",
            "ArgsEscaped",
            "NetworkDisabled")) {
      run.flag(name);
    }
    run.texts("OnBuild");
    run.command("Shell");
    run.integer("StopTimeout", 0);
    GoStruct health = run.struct("Healthcheck");
    if (health != null) {
      health.texts("Test");
      for (String name :
          List.of("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")) {
        health.integer(name, 0);
      }
    }
  }

  private static Optional<String> emptyToAbsent(String text) {
    return text.isEmpty() ? Optional.empty() : Optional.of(text);
  }
}
