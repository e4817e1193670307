package io.layerstore.core.image;

import io.layerstore.Digest;
import io.layerstore.ImageId;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import io.layerstore.NameConflictException;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.ReferenceStore;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.driver.FileFailures;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The names of images on disk.
 *
 * <p>Every change writes the whole file anew and then becomes visible in memory. Readers see one
 * moment and wait for nobody.
 */
@SuppressWarnings("try") // Calls are held by scope, not by name.
final class DefaultReferenceStore implements ReferenceStore {

  private static final Logger log = LoggerFactory.getLogger(DefaultReferenceStore.class);

  private final LayerAccess access;
  private final ImageDb db;
  private final ImageTable table;
  private final ImageWriting writing;
  private final NamesFile file;
  private final List<Finding> findings = new ArrayList<>();
  private volatile Repositories current;

  /**
   * @param writing the lock of everything that changes images or their names
   */
  DefaultReferenceStore(LayerAccess access, ImageDb db, ImageTable table, ImageWriting writing) {
    this.access = access;
    this.db = db;
    this.table = table;
    this.writing = writing;
    this.file = new NamesFile(access.directory(), access.options().durability());
    this.current = file.open(findings);
  }

  /** What was wrong with the names when they were first read. */
  List<Finding> findings() {
    return findings;
  }

  /** Whether images may have had names that are not known now. */
  boolean isIncomplete() {
    return file.isIncomplete();
  }

  /** Looks again; what cannot be read leaves what was known. */
  void readAgain() {
    synchronized (file) {
      try {
        current = file.readIfChanged(current);
      } catch (LayerStoreException e) {
        log.warn("cannot refresh names of images; showing what was known before", e);
      }
    }
  }

  /** Looks again, where others may have changed the names. */
  private void refresh() {
    try {
      if (access.options().readOnly()) {
        readAgain();
      } else {
        access.refresh();
      }
    } catch (LayerStoreException e) {
      log.warn("cannot refresh names of images; showing what was known before", e);
    }
  }

  @Override
  public Map<ImageReference, ImageId> list() {
    try (StoreLifecycle.Call call = access.enter()) {
      refresh();
      return current.all();
    }
  }

  @Override
  public List<ImageReference> of(ImageId id) {
    try (StoreLifecycle.Call call = access.enter()) {
      refresh();
      return current.of(id);
    }
  }

  @Override
  public Optional<ImageId> find(ImageReference reference) {
    try (StoreLifecycle.Call call = access.enter()) {
      refresh();
      return current.find(withTag(reference));
    }
  }

  @Override
  public void addTag(ImageReference reference, ImageId id, boolean force)
      throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      requireTag(reference);
      try (ImageWriting.Change change = writing.begin()) {
        requireImage(id);
        ImageReference tag = withTag(reference);
        Repositories changed = added(tag, id, force);
        noteTagging(id);
        write(changed);
        log.info("{} now names image {}", tag, id);
      }
    }
  }

  /**
   * Refuses what cannot be a tag.
   *
   * @throws IllegalArgumentException if it is a digest reference
   */
  static void requireTag(ImageReference reference) {
    if (reference.digest().isPresent()) {
      throw new IllegalArgumentException(
          "refusing to create a tag with a digest reference: " + reference + "; give a tag");
    }
  }

  /**
   * Makes tags name images, whatever they named before, all at once and without noting when.
   *
   * @return what those that named another image named
   */
  Map<ImageReference, ImageId> addLoadedTags(Map<ImageReference, ImageId> tags)
      throws LayerStoreException {
    try (ImageWriting.Change change = writing.begin()) {
      Map<ImageReference, ImageId> moved = new LinkedHashMap<>();
      Repositories changed = current;
      for (Map.Entry<ImageReference, ImageId> entry : tags.entrySet()) {
        ImageId id = entry.getValue();
        requireImage(id);
        ImageReference tag = withTag(entry.getKey());
        ImageId before = current.find(tag).orElse(id);
        if (!before.equals(id)) {
          moved.put(entry.getKey(), before);
        }
        changed = changed.with(tag, id);
      }
      if (!tags.isEmpty()) {
        write(changed);
        tags.forEach((tag, id) -> log.info("{} now names image {}", withTag(tag), id));
      }
      return moved;
    }
  }

  @Override
  public void addDigest(ImageReference repository, Digest digest, ImageId id)
      throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      try (ImageWriting.Change change = writing.begin()) {
        requireImage(id);
        write(added(repository.withDigest(digest), id, false));
      }
    }
  }

  @Override
  public boolean remove(ImageReference reference) throws LayerStoreException {
    try (StoreLifecycle.Call call = access.enter()) {
      requireWritable();
      try (ImageWriting.Change change = writing.begin()) {
        ImageReference known = withTag(reference);
        if (current.find(known).isEmpty()) {
          return false;
        }
        write(current.without(List.of(known)));
        log.info("{} names no image any more", known);
        return true;
      }
    }
  }

  private Repositories added(ImageReference reference, ImageId id, boolean force)
      throws NameConflictException {
    String present = current.raw(reference);
    if (present == null || present.equals(id.toString())) {
      return current.with(reference, id);
    }
    Digest digest = reference.digest().orElse(null);
    if (digest != null) {
      throw new NameConflictException(
          reference.toString(),
          "cannot overwrite digest "
              + digest
              + ": it names image "
              + present
              + "; remove it first");
    }
    if (!force) {
      throw new NameConflictException(
          reference.toString(),
          "tag "
              + reference
              + " is already set to image "
              + present
              + "; force the change to move it");
    }
    return current.with(reference, id);
  }

  private void requireImage(ImageId id) throws ImageNotFoundException {
    if (table.find(id) == null) {
      throw new ImageNotFoundException(id.toString());
    }
  }

  /** Before the names change: a time too many does no harm, a name too many does. */
  private void noteTagging(ImageId id) throws LayerStoreException {
    try {
      db.writeLastUpdated(id, Instant.now());
    } catch (IOException e) {
      throw FileFailures.wrap("note when image " + id + " was tagged", e);
    }
  }

  /** What is known at this moment; for those who hold the lock, or need no more than a look. */
  Repositories current() {
    return current;
  }

  /** Writes and shows other names; the caller holds the lock. */
  void write(Repositories changed) throws LayerStoreException {
    access.requireWritable();
    synchronized (file) {
      file.write(changed, current);
      current = changed;
    }
  }

  private void requireWritable() throws ReadOnlyStoreException {
    if (access.options().readOnly()) {
      throw new ReadOnlyStoreException(access.options().root());
    }
  }

  private static ImageReference withTag(ImageReference reference) {
    return reference.isRepository() ? reference.withTag(ImageReference.DEFAULT_TAG) : reference;
  }
}
