package io.layerstore;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How to build an image: its base, the layers on top, and how to run it. Immutable; made with
 * {@link #builder}.
 *
 * <p>The same options give the same image, whenever and wherever it is built: the time is 1970
 * unless it is set, and so are those of a {@link LayerContent}.
 */
public final class BuildOptions {

  /**
   * A layer and its history step.
   *
   * @param source its archive
   * @param createdBy how it was made, for people
   */
  public record Step(LayerSource source, String createdBy) {
    /** Rejects nulls. */
    public Step {
      Objects.requireNonNull(source, "source");
      Objects.requireNonNull(createdBy, "createdBy");
    }
  }

  private final @Nullable String base;
  private final List<Step> layers;
  private final @Nullable ImageReference reference;
  private final @Nullable Platform platform;
  private final Instant created;
  private final @Nullable String author;
  private final @Nullable List<String> entrypoint;
  private final @Nullable List<String> command;
  private final Map<String, String> environment;
  private final Map<String, String> labels;
  private final @Nullable String workingDirectory;
  private final @Nullable String user;
  private final List<String> ports;
  private final List<String> volumes;
  private final List<String> changes;
  private final Progress.@Nullable Listener progress;

  private BuildOptions(Builder builder) {
    base = builder.base;
    layers = List.copyOf(builder.layers);
    reference = builder.reference;
    platform = builder.platform;
    created = builder.created;
    author = builder.author;
    entrypoint = builder.entrypoint;
    command = builder.command;
    environment = new LinkedHashMap<>(builder.environment);
    labels = new LinkedHashMap<>(builder.labels);
    workingDirectory = builder.workingDirectory;
    user = builder.user;
    ports = List.copyOf(builder.ports);
    volumes = List.copyOf(builder.volumes);
    changes = List.copyOf(builder.changes);
    progress = builder.progress;
  }

  /** A builder of an image of nothing. */
  public static Builder builder() {
    return new Builder();
  }

  /** The image to begin with; empty for none. */
  public Optional<String> base() {
    return Optional.ofNullable(base);
  }

  /** The layers on it, the lowest first. */
  public List<Step> layers() {
    return layers;
  }

  /** The tag that will name the image. */
  public Optional<ImageReference> reference() {
    return Optional.ofNullable(reference);
  }

  /** The platform; empty for that of the base, or of this machine. */
  public Optional<Platform> platform() {
    return Optional.ofNullable(platform);
  }

  /** When it was made, as it says. */
  public Instant created() {
    return created;
  }

  /** Who made it. */
  public Optional<String> author() {
    return Optional.ofNullable(author);
  }

  /** The entry point; empty for that of the base. */
  public Optional<List<String>> entrypoint() {
    return Optional.ofNullable(entrypoint);
  }

  /** The command; empty for that of the base. */
  public Optional<List<String>> command() {
    return Optional.ofNullable(command);
  }

  /** Environment variables besides those of the base. */
  public Map<String, String> environment() {
    return new LinkedHashMap<>(environment);
  }

  /** Labels besides those of the base. */
  public Map<String, String> labels() {
    return new LinkedHashMap<>(labels);
  }

  /** The working directory; empty for that of the base. */
  public Optional<String> workingDirectory() {
    return Optional.ofNullable(workingDirectory);
  }

  /** The user; empty for that of the base. */
  public Optional<String> user() {
    return Optional.ofNullable(user);
  }

  /** Ports besides those of the base, such as {@code 80/tcp}, sorted. */
  public List<String> ports() {
    return ports;
  }

  /** Volumes besides those of the base, sorted. */
  public List<String> volumes() {
    return volumes;
  }

  /** Dockerfile instructions, applied to the base first. */
  public List<String> changes() {
    return changes;
  }

  /** Where to report progress, in place of the store's listener. */
  public Optional<Progress.Listener> progress() {
    return Optional.ofNullable(progress);
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable String base;
    private final List<Step> layers = new ArrayList<>();
    private @Nullable ImageReference reference;
    private @Nullable Platform platform;
    private Instant created = Instant.EPOCH;
    private @Nullable String author;
    private @Nullable List<String> entrypoint;
    private @Nullable List<String> command;
    private final Map<String, String> environment = new LinkedHashMap<>();
    private final Map<String, String> labels = new LinkedHashMap<>();
    private @Nullable String workingDirectory;
    private @Nullable String user;
    private final TreeSet<String> ports = new TreeSet<>();
    private final TreeSet<String> volumes = new TreeSet<>();
    private List<String> changes = List.of();
    private Progress.@Nullable Listener progress;

    private Builder() {}

    /** Sets the base image, a reference or an id; null for none. */
    public Builder base(@Nullable String base) {
      this.base = base;
      return this;
    }

    /** Adds a layer on top of the others. */
    public Builder layer(LayerSource source) {
      return layer(source, "layerstore build");
    }

    /**
     * Adds a layer on top of the others.
     *
     * @param createdBy what its history step says about how it was made
     */
    public Builder layer(LayerSource source, String createdBy) {
      layers.add(new Step(source, createdBy));
      return this;
    }

    /** Sets the tag that will name the image, whatever it named before; null for none. */
    public Builder reference(@Nullable ImageReference reference) {
      this.reference = reference;
      return this;
    }

    /** Sets the platform; null for that of the base, or of this machine. */
    public Builder platform(@Nullable Platform platform) {
      this.platform = platform;
      return this;
    }

    /** Sets when the image was made, as it says; 1970 unless set. */
    public Builder created(Instant created) {
      this.created = Objects.requireNonNull(created, "created");
      return this;
    }

    /** Sets who made it; null for who made the base. */
    public Builder author(@Nullable String author) {
      this.author = author;
      return this;
    }

    /** Sets the entry point; none takes that of the base away. */
    public Builder entrypoint(String... words) {
      entrypoint = List.of(words);
      return this;
    }

    /** Sets the command; none takes that of the base away. */
    public Builder command(String... words) {
      command = List.of(words);
      return this;
    }

    /**
     * Sets an environment variable.
     *
     * @throws IllegalArgumentException if the name is empty or has a {@code =} in it
     */
    public Builder environment(String name, String value) {
      if (name.isEmpty() || name.indexOf('=') >= 0) {
        throw new IllegalArgumentException("not the name of a variable: \"" + name + "\"");
      }
      environment.put(name, Objects.requireNonNull(value, "value"));
      return this;
    }

    /** Sets a label. */
    public Builder label(String name, String value) {
      labels.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(value, "value"));
      return this;
    }

    /**
     * Sets the working directory; null for that of the base.
     *
     * @throws IllegalArgumentException if it is not absolute
     */
    public Builder workingDirectory(@Nullable String workingDirectory) {
      if (workingDirectory != null && !workingDirectory.startsWith("/")) {
        throw new IllegalArgumentException("not an absolute path: " + workingDirectory);
      }
      this.workingDirectory = workingDirectory;
      return this;
    }

    /**
     * Sets the user, a name or an id, optionally with a colon and a group; null for that of the
     * base.
     */
    public Builder user(@Nullable String user) {
      this.user = user;
      return this;
    }

    /**
     * Adds a port that the image exposes.
     *
     * @param protocol such as {@code tcp}
     * @throws IllegalArgumentException if there is no such port
     */
    public Builder port(int port, String protocol) {
      if (port < 1 || port > 0xffff) {
        throw new IllegalArgumentException("no such port: " + port);
      }
      ports.add(port + "/" + protocol);
      return this;
    }

    /**
     * Adds a volume.
     *
     * @throws IllegalArgumentException if it is not absolute
     */
    public Builder volume(String path) {
      if (!path.startsWith("/")) {
        throw new IllegalArgumentException("not an absolute path: " + path);
      }
      volumes.add(path);
      return this;
    }

    /** Sets Dockerfile instructions, such as {@code HEALTHCHECK NONE}, for what is not here. */
    public Builder changes(List<String> changes) {
      this.changes = List.copyOf(changes);
      return this;
    }

    /** Sets where to report progress; null for the store's listener. */
    public Builder progress(Progress.@Nullable Listener progress) {
      this.progress = progress;
      return this;
    }

    /** Makes the options. */
    public BuildOptions build() {
      return new BuildOptions(this);
    }
  }
}
