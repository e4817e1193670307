package io.layerstore;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How to make an image from the changes of a read-write layer. Immutable; made with {@link
 * #builder}.
 *
 * <p>Changes are Dockerfile instructions; {@link ImportOptions} lists which.
 */
public final class CommitImageOptions {

  /** No name, no changes, the parent found by its layers. */
  public static final CommitImageOptions DEFAULT = builder().build();

  private final @Nullable ImageReference reference;
  private final @Nullable ImageId parent;
  private final @Nullable String author;
  private final @Nullable String comment;
  private final @Nullable String createdBy;
  private final @Nullable Instant created;
  private final @Nullable Instant latestTime;
  private final List<String> changes;
  private final Progress.@Nullable Listener progress;

  private CommitImageOptions(Builder builder) {
    reference = builder.reference;
    parent = builder.parent;
    author = builder.author;
    comment = builder.comment;
    createdBy = builder.createdBy;
    created = builder.created;
    latestTime = builder.latestTime;
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

  /**
   * The image the read-write layer was made from; empty for the image whose top layer is its
   * parent.
   */
  public Optional<ImageId> parent() {
    return Optional.ofNullable(parent);
  }

  /** Who makes the image. */
  public Optional<String> author() {
    return Optional.ofNullable(author);
  }

  /** The comment in the image's history. */
  public Optional<String> comment() {
    return Optional.ofNullable(comment);
  }

  /** The command that made the changes, for the image's history. */
  public Optional<String> createdBy() {
    return Optional.ofNullable(createdBy);
  }

  /** When the image was made; empty for now. */
  public Optional<Instant> created() {
    return Optional.ofNullable(created);
  }

  /** The latest time that an entry of the new layer may have; empty for no limit. */
  public Optional<Instant> latestTime() {
    return Optional.ofNullable(latestTime);
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
    private @Nullable ImageId parent;
    private @Nullable String author;
    private @Nullable String comment;
    private @Nullable String createdBy;
    private @Nullable Instant created;
    private @Nullable Instant latestTime;
    private List<String> changes = List.of();
    private Progress.@Nullable Listener progress;

    private Builder() {}

    /** Sets the tag that will name the image. */
    public Builder reference(@Nullable ImageReference reference) {
      this.reference = reference;
      return this;
    }

    /**
     * Sets the image the read-write layer was made from; needed where several images have the same
     * layers.
     */
    public Builder parent(@Nullable ImageId parent) {
      this.parent = parent;
      return this;
    }

    /** Sets who makes the image. */
    public Builder author(@Nullable String author) {
      this.author = author;
      return this;
    }

    /** Sets the comment in the image's history. */
    public Builder comment(@Nullable String comment) {
      this.comment = comment;
      return this;
    }

    /** Sets the command that made the changes. */
    public Builder createdBy(@Nullable String createdBy) {
      this.createdBy = createdBy;
      return this;
    }

    /**
     * Sets when the image was made: the same layer and time give the same image. Does not change
     * the times of files, see {@link #latestTime}.
     */
    public Builder created(@Nullable Instant created) {
      this.created = created;
      return this;
    }

    /**
     * Sets the latest time that an entry of the new layer may have: later ones become this, earlier
     * ones stay as they are. Does not say when the image was made, see {@link #created}.
     */
    public Builder latestTime(@Nullable Instant latestTime) {
      this.latestTime = latestTime;
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
    public CommitImageOptions build() {
      return new CommitImageOptions(this);
    }
  }
}
