package io.layerstore;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A typed view of an image configuration. What it does not show stays in the bytes. Source: <a
 * href="https://github.com/opencontainers/image-spec/blob/main/config.md">OCI image
 * specification</a>.
 *
 * @param architecture the processor; empty if not said
 * @param os the operating system; empty if not said
 * @param variant the variant of the processor, or null
 * @param createdAt when it was made, or null
 * @param author who made it, or null
 * @param run how to run it
 * @param diffIds the layers, bottom first
 * @param history how it was made, oldest step first
 */
public record ImageConfig(
    String architecture,
    String os,
    @Nullable String variant,
    @Nullable Instant createdAt,
    @Nullable String author,
    RunConfig run,
    List<DiffId> diffIds,
    List<HistoryEntry> history) {

  /** Copies the lists. */
  public ImageConfig {
    diffIds = List.copyOf(diffIds);
    history = List.copyOf(history);
  }

  /** When it was made. */
  public Optional<Instant> created() {
    return Optional.ofNullable(createdAt);
  }

  /**
   * How to run an image.
   *
   * @param user the user, in any of the forms {@code user}, {@code uid}, {@code user:group}; empty
   *     for root
   * @param env variables, each {@code NAME=value}
   * @param entrypoint the command's fixed beginning
   * @param cmd the command, or the default arguments of the entry point
   * @param workingDir the working directory; empty for the root
   * @param labels free key-value pairs
   * @param exposedPorts ports, each {@code number/protocol}
   * @param volumes paths of volumes
   * @param stopSignal the signal that ends it, or null
   */
  public record RunConfig(
      String user,
      List<String> env,
      List<String> entrypoint,
      List<String> cmd,
      String workingDir,
      Map<String, String> labels,
      List<String> exposedPorts,
      List<String> volumes,
      @Nullable String stopSignal) {

    /** Nothing said. */
    public static final RunConfig EMPTY =
        new RunConfig(
            "", List.of(), List.of(), List.of(), "", Map.of(), List.of(), List.of(), null);

    /** Copies the collections. */
    public RunConfig {
      env = List.copyOf(env);
      entrypoint = List.copyOf(entrypoint);
      cmd = List.copyOf(cmd);
      labels = Map.copyOf(labels);
      exposedPorts = List.copyOf(exposedPorts);
      volumes = List.copyOf(volumes);
    }
  }

  /**
   * One step in the making of an image.
   *
   * @param createdAt when, or null
   * @param createdBy by which command, or null
   * @param author by whom, or null
   * @param comment free text, or null
   * @param isEmptyLayer whether the step made no layer
   */
  public record HistoryEntry(
      @Nullable Instant createdAt,
      @Nullable String createdBy,
      @Nullable String author,
      @Nullable String comment,
      boolean isEmptyLayer) {}
}
