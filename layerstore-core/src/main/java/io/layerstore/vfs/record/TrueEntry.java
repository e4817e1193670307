package io.layerstore.vfs.record;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What an entry truly is: what the file system shows, corrected by the record of what it could not
 * keep. The one place that knows when a record is needed and when it still counts.
 *
 * @param type what it is, never a hard link
 * @param device the number of a device; null for other types
 * @param sizeBytes the size of a regular file, else 0
 * @param attributes all attributes but the extended ones
 * @param linkText the text of a symbolic link; null for other types
 * @param stored the extended attributes that are on the file itself
 * @param recorded the extended attributes that only the record has
 * @param group what is equal for the names of a file of which the file system has a copy for each;
 *     0 if it has no others
 */
public record TrueEntry(
    EntryType type,
    @Nullable Device device,
    long sizeBytes,
    Attributes attributes,
    @Nullable ByteString linkText,
    List<Xattr> stored,
    List<Xattr> recorded,
    long group) {

  /** One that is no copy of another. */
  public TrueEntry(
      EntryType type,
      @Nullable Device device,
      long sizeBytes,
      Attributes attributes,
      @Nullable ByteString linkText,
      List<Xattr> stored,
      List<Xattr> recorded) {
    this(type, device, sizeBytes, attributes, linkText, stored, recorded, 0);
  }

  private static final ByteString CAPABILITY = ByteString.utf8("security.capability");

  /**
   * What is behind {@code disk}.
   *
   * @param type what the file system shows
   * @param shownText the text of a symbolic link that it shows; null for other types
   * @param stored the extended attributes it has there
   * @param record what was recorded for it, perhaps long ago; null if nothing
   * @param isSameTree whether inodes are those of when the record was made
   */
  public static TrueEntry of(
      EntryType type,
      DiskEntry disk,
      @Nullable ByteString shownText,
      List<Xattr> stored,
      @Nullable AttributeRecord record,
      boolean isSameTree) {
    if (record == null || !isAbout(record, type, disk, isSameTree)) {
      return new TrueEntry(
          type, disk.device(), disk.sizeBytes(), shown(disk), shownText, stored, List.of());
    }
    TrueEntry truth = record.truth();
    AttributeRecord.Shown shown = record.shown();
    boolean hasShownMode = disk.mode() == shown.mode();
    boolean hasShownOwner = disk.uid() == shown.uid() && disk.gid() == shown.gid();
    boolean hasShownTime = disk.modified().equals(shown.modified());
    boolean hasShownContent = hasShownTime && disk.sizeBytes() == shown.sizeBytes();
    Attributes attributes =
        new Attributes(
            hasShownMode ? truth.attributes.mode() : disk.mode(),
            hasShownOwner ? truth.attributes.uid() : disk.uid(),
            hasShownOwner ? truth.attributes.gid() : disk.gid(),
            hasShownTime ? truth.attributes.modified() : disk.modified(),
            disk.accessed(),
            List.of());
    ByteString text = Objects.equals(shownText, record.shownLinkText()) ? truth.linkText : null;
    return new TrueEntry(
        record.isPlaceholder() ? truth.type : type,
        record.isPlaceholder() ? truth.device : disk.device(),
        record.isPlaceholder() ? 0 : disk.sizeBytes(),
        attributes,
        text == null ? shownText : text,
        stored,
        counting(truth.recorded, stored, hasShownContent && hasShownOwner),
        hasShownContent ? truth.group : 0);
  }

  private static Attributes shown(DiskEntry disk) {
    return new Attributes(
        disk.mode(), disk.uid(), disk.gid(), disk.modified(), disk.accessed(), List.of());
  }

  /** Whether the record was made for this very file, which may have changed since. */
  public static boolean isAbout(
      AttributeRecord record, EntryType type, DiskEntry disk, boolean isSameTree) {
    boolean isExpectedType =
        record.isPlaceholder()
            ? type == EntryType.FILE && isPlaceholder(record, disk)
            : type == record.truth().type;
    if (!isExpectedType) {
      return false;
    }
    AttributeRecord.Shown shown = record.shown();
    if (isSameTree && shown.inode() != 0 && disk.inode() != 0) {
      return shown.inode() == disk.inode()
          && (shown.born().equals(disk.born()) || !isKnown(shown.born()) || !isKnown(disk.born()));
    }
    // A tree that was restored from a copy has new inodes, but whoever copies layers keeps times.
    return type == EntryType.DIRECTORY
        || (shown.modified().equals(disk.modified()) && shown.sizeBytes() == disk.sizeBytes());
  }

  /** Whether {@code disk} has nothing of its own: a device is empty, a link as it was made. */
  private static boolean isPlaceholder(AttributeRecord record, DiskEntry disk) {
    AttributeRecord.Shown shown = record.shown();
    return record.isLinkInFile()
        ? disk.sizeBytes() == shown.sizeBytes() && disk.modified().equals(shown.modified())
        : disk.sizeBytes() == 0;
  }

  private static boolean isKnown(Instant born) {
    return !born.equals(Instant.EPOCH);
  }

  /** As in the kernel, capabilities do not survive a change of content or owner. */
  private static List<Xattr> counting(
      List<Xattr> recorded, List<Xattr> stored, boolean isUnchanged) {
    if (recorded.isEmpty() || (isUnchanged && stored.isEmpty())) {
      return recorded;
    }
    return recorded.stream()
        .filter(xattr -> isUnchanged || !xattr.name().equals(CAPABILITY))
        .filter(xattr -> stored.stream().noneMatch(other -> other.name().equals(xattr.name())))
        .toList();
  }

  /** What the record still has once the owner of the file is that of {@code wanted}. */
  public List<Xattr> recordedWhenOwnedAs(Attributes wanted) {
    boolean keepsOwner = attributes.uid() == wanted.uid() && attributes.gid() == wanted.gid();
    return counting(recorded, List.of(), keepsOwner);
  }

  /** This entry at {@code path}, with all extended attributes. */
  public TreeEntry at(LayerPath path) {
    List<Xattr> xattrs = stored;
    if (!recorded.isEmpty()) {
      xattrs = new ArrayList<>(stored);
      xattrs.addAll(recorded);
    }
    return new TreeEntry(
        path, type, attributes.withXattrs(xattrs), sizeBytes, linkText, null, device);
  }

  /** This entry with other times. */
  public TrueEntry withTimes(Instant modified, Instant accessed) {
    return new TrueEntry(
        type,
        device,
        sizeBytes,
        attributes.withTimes(modified, accessed),
        linkText,
        stored,
        recorded,
        group);
  }

  /** This entry as one of {@code group}. */
  public TrueEntry in(long group) {
    return new TrueEntry(type, device, sizeBytes, attributes, linkText, stored, recorded, group);
  }

  /**
   * The record that is needed where this entry now shows itself as {@code shown}; null if the file
   * system keeps everything.
   */
  public @Nullable AttributeRecord recordFor(DiskEntry shown, @Nullable ByteString shownText) {
    boolean isKept =
        shown.type() == type
            && shown.mode() == attributes.mode()
            && shown.uid() == attributes.uid()
            && shown.gid() == attributes.gid()
            && shown.modified().equals(DiskEntry.storable(attributes.modified()))
            && Objects.equals(shownText, linkText)
            && recorded.isEmpty()
            && group == 0;
    return isKept ? null : recordAlways(shown, shownText);
  }

  /** The record of this entry where it shows itself as {@code shown}, needed or not. */
  public AttributeRecord recordAlways(DiskEntry shown, @Nullable ByteString shownText) {
    Attributes kept =
        attributes.withTimes(DiskEntry.storable(attributes.modified()), Instant.EPOCH);
    return new AttributeRecord(
        new TrueEntry(type, device, 0, kept, linkText, List.of(), recorded, group),
        AttributeRecord.Shown.of(shown),
        shownText);
  }
}
