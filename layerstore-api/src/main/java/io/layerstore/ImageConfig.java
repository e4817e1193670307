package io.layerstore;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A typed view of an image configuration. Fields it does not show stay in the bytes. Source: <a
 * href="https://github.com/opencontainers/image-spec/blob/main/config.md">OCI image
 * specification</a>.
 *
 * @param architecture the processor; empty if not said
 * @param os the operating system; empty if not said
 * @param variant the variant of the processor, if it has one
 * @param created when it was made, if it says so
 * @param author who made it, if it says so
 * @param run how to run it
 * @param diffIds the layers, bottom first
 * @param history how it was made, oldest step first
 */
public record ImageConfig(
    String architecture,
    String os,
    Optional<String> variant,
    Optional<Instant> created,
    Optional<String> author,
    RunConfig run,
    List<DiffId> diffIds,
    List<HistoryEntry> history) {

  /** Copies the lists. */
  public ImageConfig {
    diffIds = List.copyOf(diffIds);
    history = List.copyOf(history);
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
   * @param stopSignal the signal that ends it, if it says so
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
      Optional<String> stopSignal) {

    /** Nothing said. */
    public static final RunConfig EMPTY =
        new RunConfig(
            "",
            List.of(),
            List.of(),
            List.of(),
            "",
            Map.of(),
            List.of(),
            List.of(),
            Optional.empty());

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
   * One step of an image's history.
   *
   * @param created when
   * @param createdBy by which command
   * @param author by whom
   * @param comment free text
   * @param isEmptyLayer whether the step made no layer
   */
  public record HistoryEntry(
      Optional<Instant> created,
      Optional<String> createdBy,
      Optional<String> author,
      Optional<String> comment,
      boolean isEmptyLayer) {}
}
