package io.layerstore;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How to make an image from a root file system. Immutable; made with {@link #builder}.
 *
 * <p>Changes are Dockerfile instructions, the ones that {@code docker import --change} takes: CMD,
 * ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR.
 */
public final class ImportOptions {

  /** No name, no changes, the platform of this machine. */
  public static final ImportOptions DEFAULT = builder().build();

  private final @Nullable ImageReference reference;
  private final @Nullable String message;
  private final @Nullable Platform platform;
  private final @Nullable Instant created;
  private final List<String> changes;
  private final Progress.@Nullable Listener progress;

  private ImportOptions(Builder builder) {
    reference = builder.reference;
    message = builder.message;
    platform = builder.platform;
    created = builder.created;
    changes = List.copyOf(builder.changes);
    progress = builder.progress;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** The tag that will name the image. */
  public Optional<ImageReference> reference() {
    return Optional.ofNullable(reference);
  }

  /** The comment in the image's history. */
  public Optional<String> message() {
    return Optional.ofNullable(message);
  }

  /** The platform the root file system is for; empty for this machine's. */
  public Optional<Platform> platform() {
    return Optional.ofNullable(platform);
  }

  /** When the image was made; empty for now. */
  public Optional<Instant> created() {
    return Optional.ofNullable(created);
  }

  /** Changes to the configuration. */
  public List<String> changes() {
    return changes;
  }

  /** Where to report progress, in place of the store's listener. */
  public Optional<Progress.Listener> progress() {
    return Optional.ofNullable(progress);
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable ImageReference reference;
    private @Nullable String message;
    private @Nullable Platform platform;
    private @Nullable Instant created;
    private List<String> changes = List.of();
    private Progress.@Nullable Listener progress;

    private Builder() {}

    /** Sets the tag that will name the image. */
    public Builder reference(@Nullable ImageReference reference) {
      this.reference = reference;
      return this;
    }

    /** Sets the comment in the image's history. */
    public Builder message(@Nullable String message) {
      this.message = message;
      return this;
    }

    /** Sets the platform the root file system is for. */
    public Builder platform(@Nullable Platform platform) {
      this.platform = platform;
      return this;
    }

    /** Sets when the image was made: the same input and time give the same image. */
    public Builder created(@Nullable Instant created) {
      this.created = created;
      return this;
    }

    /** Sets the changes to the configuration. */
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
    public ImportOptions build() {
      return new ImportOptions(this);
    }
  }
}
