package io.layerstore.vfs;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.DriverException;
import io.layerstore.LayerPath;
import io.layerstore.driver.PosixModes;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import io.layerstore.vfs.record.DiskEntry;
import io.layerstore.vfs.record.TrueEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Gives attributes to directories that are in a layer already.
 *
 * <p>In a layer of which nobody else knows, this goes by path. In any other, somebody may at any
 * moment exchange a directory on the way for a link to a place outside. There the directory is
 * opened first, one name at a time and never through a link, and only what is open is changed. Java
 * can give an open directory an owner, permissions and times, the last perhaps to the microsecond
 * only; setuid, setgid, sticky and extended attributes it cannot. What the directory does not get
 * is recorded, so that diffs, children and commits have it.
 *
 * <p>Where no directory can be held open, everything goes by path; the driver lets nobody write
 * into a mounted layer there. Not safe for use by many threads.
 */
final class DirectoryChanger {

  private static final int SPECIAL_BITS = 07000;
  private static final int STICKY = 01000;
  private static final int WRITABLE_BY_OTHERS = 0022;

  private final LayerFiles layer;
  private final Volume volume;
  private final ContextCalls context;
  private final Staging staging;
  private final LayerRecords records;
  private final EntryMaker maker;
  private final Seclusion seclusion;

  DirectoryChanger(
      LayerFiles layer,
      ContextCalls context,
      Staging staging,
      LayerRecords records,
      EntryMaker maker,
      Seclusion seclusion) {
    this.layer = layer;
    this.volume = layer.volume();
    this.context = context;
    this.staging = staging;
    this.records = records;
    this.maker = maker;
    this.seclusion = seclusion;
  }

  /** Runs {@code byPath} if that is safe or the only way; else {@code held} is the way. */
  private void change(Directory parent, Seclusion.Action byPath, Seclusion.Action held)
      throws IOException {
    if (seclusion.perform(byPath)) {
      return;
    }
    if (parent.isHeld()) {
      held.run();
    } else {
      byPath.run();
    }
  }

  /** Gives the directory {@code real}, which is in {@code parent}, what {@code entry} has. */
  void merge(Directory parent, LayerPath real, TreeEntry entry) throws IOException {
    change(parent, () -> mergeByPath(parent, real, entry), () -> mergeHeld(parent, real, entry));
  }

  private void mergeByPath(Directory parent, LayerPath real, TreeEntry entry) throws IOException {
    Path path = parent.path(real.name());
    TrueEntry before = records.read(path, real);
    Attributes wanted = entry.attributes();
    volume.makeAccessible(path, layer.id(), real);
    volume.replaceOwner(path, layer.id(), entry.path(), wanted.uid(), wanted.gid());
    List<Xattr> rest = volume.setXattrs(path, EntryType.DIRECTORY, maker.kept(entry));
    volume.setTimes(path, wanted.modified(), wanted.accessed());
    volume.setMode(path, volume.modeOnDisk(EntryType.DIRECTORY, wanted.mode()));
    note(path, real, wanted, EntryMaker.merged(before.recorded(), rest));
  }

  private void mergeHeld(Directory parent, LayerPath real, TreeEntry entry) throws IOException {
    Path path = parent.path(real.name());
    Attributes wanted = entry.attributes();
    try (Directory directory = parent.child(real.name())) {
      TrueEntry before = records.read(path, real);
      DiskEntry shown = volume.read(path, layer.id(), real);
      if (!Objects.equals(shown.key(), directory.look().key())) {
        throw new ArchiveException(
            Kind.BREAKOUT,
            "directory /" + entry.path() + ": somebody changes the layer while it is written");
      }
      List<Xattr> rest = notStored(real, maker.kept(entry), before.stored());
      changeOwner(directory, entry.path(), shown, wanted);
      changeMode(directory, entry.path(), shown, wanted);
      changeTimes(directory, wanted.modified(), wanted.accessed());
      note(path, real, wanted, EntryMaker.merged(before.recorded(), rest));
    }
  }

  private void note(Path path, LayerPath real, Attributes wanted, List<Xattr> recorded)
      throws IOException {
    Attributes plain = wanted.withXattrs(List.of());
    records.note(
        real, new TrueEntry(EntryType.DIRECTORY, null, 0, plain, null, List.of(), recorded), path);
  }

  /** Those of {@code wanted} that are not on the disk. */
  private List<Xattr> notStored(LayerPath real, List<Xattr> wanted, List<Xattr> stored)
      throws DriverException {
    List<Xattr> rest = new ArrayList<>();
    for (Xattr xattr : wanted) {
      if (stored.contains(xattr)) {
        continue;
      }
      if (stored.stream().anyMatch(other -> other.name().equals(xattr.name()))) {
        throw new DriverException(
            VfsDriverProvider.NAME,
            layer.id(),
            "cannot change the extended attribute %s of the directory /%s, because somebody may be"
                    .formatted(xattr.name(), real)
                + " using the layer; commit it and apply the archive to a new layer on top",
            null);
      }
      rest.add(xattr);
    }
    return rest;
  }

  /** A principal is known by its number only to a file that has it. */
  private void changeOwner(Directory directory, LayerPath path, DiskEntry shown, Attributes wanted)
      throws IOException {
    boolean isSame = shown.uid() == wanted.uid() && shown.gid() == wanted.gid();
    if (isSame || !volume.traits().setsOwners()) {
      return;
    }
    Path model = staging.directory().path(staging.newName());
    Files.createFile(model, volume.creation(0600));
    if (volume.setOwner(model, layer.id(), path, wanted.uid(), wanted.gid())) {
      PosixFileAttributes owned =
          Files.readAttributes(model, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      PosixFileAttributeView view = directory.view(PosixFileAttributeView.class);
      view.setOwner(owned.owner());
      view.setGroup(owned.group());
    }
    Files.delete(model);
  }

  private void changeMode(Directory directory, LayerPath path, DiskEntry shown, Attributes wanted)
      throws IOException {
    int mode = volume.modeOnDisk(EntryType.DIRECTORY, wanted.mode());
    if (mode == shown.mode() || !volume.traits().hasPosixView()) {
      return;
    }
    int possible = mode;
    if (((mode | shown.mode()) & SPECIAL_BITS) != 0) {
      // What everybody may write to must not lose the protection of the sticky bit.
      possible = (mode & STICKY) == 0 ? mode & 0777 : mode & 0777 & ~WRITABLE_BY_OTHERS;
      context.warn(path, "setuid, setgid and sticky are recorded and not on the directory in use");
    }
    directory.view(PosixFileAttributeView.class).setPermissions(PosixModes.toPermissions(possible));
  }

  private static void changeTimes(Directory directory, Instant modified, Instant accessed)
      throws IOException {
    directory
        .view(BasicFileAttributeView.class)
        .setTimes(
            FileTime.from(DiskEntry.storable(modified)),
            FileTime.from(DiskEntry.storable(accessed)),
            null);
  }

  /** Sets the times of the directory {@code real}, which is in {@code parent}. */
  void setTimes(Directory parent, LayerPath real, Instant modified, Instant accessed)
      throws IOException {
    Path path = parent.path(real.name());
    change(
        parent,
        () -> {
          volume.setTimes(path, modified, accessed);
          if (!volume.traits().keepsDirectoryTimes()) {
            noteTimes(path, real, modified, accessed);
          }
        },
        () -> {
          try (Directory directory = parent.child(real.name())) {
            changeTimes(directory, modified, accessed);
            noteTimes(path, real, modified, accessed);
          }
        });
  }

  private void noteTimes(Path path, LayerPath real, Instant modified, Instant accessed)
      throws IOException {
    records.note(real, records.read(path, real).withTimes(modified, accessed), path);
  }

  /** Lets an ordinary user into the directory {@code real}, which is in {@code parent}. */
  void makeAccessible(Directory parent, LayerPath real) throws IOException {
    FileSystemTraits traits = volume.traits();
    if (traits.setsOwners() || !traits.hasUnixView()) {
      return;
    }
    Path path = parent.path(real.name());
    change(
        parent,
        () -> volume.makeAccessible(path, layer.id(), real),
        () -> {
          if ((volume.read(path, layer.id(), real).mode() & 0700) != 0700) {
            try (Directory directory = parent.child(real.name())) {
              directory
                  .view(PosixFileAttributeView.class)
                  .setPermissions(PosixModes.toPermissions(0700));
            }
          }
        });
  }
}
