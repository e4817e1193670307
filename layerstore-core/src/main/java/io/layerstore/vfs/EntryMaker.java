package io.layerstore.vfs;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.Look;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import io.layerstore.vfs.record.AttributeRecord;
import io.layerstore.vfs.record.TrueEntry;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes entries of an archive in the staging directory, with all the attributes that the file
 * system takes.
 *
 * <p>Not safe for use by many threads.
 */
final class EntryMaker {

  /** Labels and signatures of the system that runs the container, which no image has to give. */
  private static final Set<ByteString> DROPPED_XATTRS =
      Set.of(
          ByteString.utf8("security.selinux"),
          ByteString.utf8("security.ima"),
          ByteString.utf8("security.evm"),
          ByteString.utf8("system.nfs4_acl"));

  /** Of a file that stands for a symbolic link. */
  private static final int LINK_FILE_MODE = 0644;

  private final LayerFiles layer;
  private final Volume volume;
  private final ContextCalls context;
  private final FileContentWriter contents;

  EntryMaker(LayerFiles layer, ContextCalls context) {
    this.layer = layer;
    this.volume = layer.volume();
    this.context = context;
    this.contents = new FileContentWriter(volume);
  }

  /**
   * An entry as it was made.
   *
   * @param entry what it truly is
   * @param isKept whether the file system certainly keeps all of it
   */
  record Made(TrueEntry entry, boolean isKept) {}

  /** Makes {@code entry}, which is no hard link, as the new {@code file}. */
  Made make(Path file, TreeEntry entry, @Nullable FileContent content) throws IOException {
    Attributes wanted = entry.attributes();
    EntryType type = entry.type();
    Path linkTarget = type == EntryType.SYMLINK ? linkTarget(require(entry.linkText())) : null;
    boolean isPlaceholder = AttributeRecord.isPlaceholder(type);
    int mode = isPlaceholder ? 0 : volume.modeOnDisk(type, wanted.mode());
    // Extended attributes of a file without permissions can be set by root only.
    int firstMode = wanted.xattrs().isEmpty() ? mode : mode | 0600;
    switch (type) {
      case DIRECTORY -> Files.createDirectory(file, volume.creation(mode | 0700));
      case FILE -> contents.write(file, firstMode, entry.sizeBytes(), require(content));
      case SYMLINK -> {
        if (linkTarget == null) {
          makeLinkInFile(file, require(entry.linkText()));
        } else {
          Files.createSymbolicLink(file, linkTarget);
        }
      }
      default -> Files.createFile(file, volume.creation(0600));
    }
    boolean isLinkInFile = type == EntryType.SYMLINK && linkTarget == null;
    EntryType onDisk = isLinkInFile ? EntryType.FILE : type;
    boolean isOwnerKept =
        volume.setOwner(file, layer.id(), entry.path(), wanted.uid(), wanted.gid());
    List<Xattr> recorded = isLinkInFile ? kept(entry) : volume.setXattrs(file, onDisk, kept(entry));
    volume.setTimes(file, wanted.modified(), wanted.accessed());
    boolean isCreatedSo =
        type == EntryType.FILE && firstMode == mode && volume.getsModeAtCreation(mode);
    if (type != EntryType.SYMLINK && !isCreatedSo) {
      volume.setMode(file, mode);
    }
    boolean isKept =
        isOwnerKept
            && recorded.isEmpty()
            && mode == wanted.mode()
            && volume.keepsModesAndTimes(type);
    TrueEntry truth =
        new TrueEntry(
            type,
            entry.device(),
            entry.sizeBytes(),
            plain(wanted, type),
            entry.linkText(),
            List.of(),
            recorded);
    return new Made(truth, isKept);
  }

  /** The target of a symbolic link that can be made; null if it cannot. */
  private @Nullable Path linkTarget(ByteString text) {
    return volume.traits().hasSymlinks() ? volume.names().toLinkTarget(text) : null;
  }

  /** Makes a file with the text of a link, which tells a person where it leads. */
  private void makeLinkInFile(Path file, ByteString text) throws IOException {
    try (SeekableByteChannel out =
        Files.newByteChannel(
            file,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            volume.creation(LINK_FILE_MODE))) {
      ByteBuffer bytes = text.asByteBuffer();
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
    }
    volume.setMode(file, LINK_FILE_MODE);
  }

  private static <T> T require(@Nullable T part) {
    return Objects.requireNonNull(part, "an entry of this type has it");
  }

  /** All attributes but the extended ones; symbolic links have no mode of their own. */
  private static Attributes plain(Attributes wanted, EntryType type) {
    return wanted.withMode(type == EntryType.SYMLINK ? 0777 : wanted.mode()).withXattrs(List.of());
  }

  /**
   * Makes {@code file} a further name of {@code target}, or, where the file system has no further
   * names for it, a copy.
   *
   * @param directory where the target is
   * @return whether it is one file with the target
   */
  boolean link(Path file, TreeEntry entry, Directory directory, Target target) throws IOException {
    FileSystemTraits traits = volume.traits();
    try {
      if (target.look().isSymlink() ? traits.linksSymlinks() : traits.hasHardLinks()) {
        Files.createLink(file, target.file());
        return true;
      }
      copy(file, directory, target);
      return false;
    } catch (NoSuchFileException e) {
      throw new ArchiveException(
          Kind.MALFORMED,
          "hard link /" + entry.path() + " to /" + entry.linkTarget() + ", which it replaces");
    }
  }

  private void copy(Path file, Directory directory, Target target) throws IOException {
    if (target.look().isSymlink()) {
      Files.createSymbolicLink(file, Files.readSymbolicLink(target.file()));
      return;
    }
    try (OutputStream out =
        Files.newOutputStream(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      if (target.look().sizeBytes() > 0) {
        try (SeekableByteChannel in = directory.openFile(target.real().name())) {
          Channels.newInputStream(in).transferTo(out);
        }
      }
    }
    volume.setXattrs(file, EntryType.FILE, target.entry().stored());
  }

  /**
   * Gives a shared file the attributes of a hard link to it.
   *
   * @return what it is now
   */
  TrueEntry giveToShared(Path file, TreeEntry entry, Target target) throws IOException {
    TrueEntry before = target.entry();
    if (target.look().kind() == Look.Kind.OTHER) {
      // Opening a FIFO to set its attributes would wait for somebody to open the other end.
      context.warn(entry.path(), "a hard link does not change the attributes of a special file");
      return before;
    }
    Attributes wanted = entry.attributes();
    boolean isSymlink = before.type() == EntryType.SYMLINK;
    boolean isLinkInFile = isSymlink && target.look().isFile();
    boolean isPlaceholder = AttributeRecord.isPlaceholder(before.type());
    int mode = isPlaceholder ? 0 : volume.modeOnDisk(EntryType.FILE, wanted.mode());
    if (!volume.traits().setsOwners() && !isSymlink) {
      // Times and extended attributes take an open file.
      volume.setMode(file, mode | 0600);
    }
    volume.replaceOwner(file, layer.id(), entry.path(), wanted.uid(), wanted.gid());
    List<Xattr> added =
        isLinkInFile ? kept(entry) : volume.setXattrs(file, before.type(), kept(entry));
    List<Xattr> recorded = merged(before.recordedWhenOwnedAs(wanted), added);
    volume.setTimes(file, wanted.modified(), wanted.accessed());
    if (isLinkInFile) {
      volume.setMode(file, LINK_FILE_MODE);
    } else if (!isSymlink) {
      volume.setMode(file, mode);
    }
    return new TrueEntry(
        before.type(),
        before.device(),
        before.sizeBytes(),
        plain(wanted, before.type()),
        before.linkText(),
        List.of(),
        recorded,
        before.group());
  }

  /** Makes a directory for which the archive has no entry. */
  void makeImpliedDirectory(Path directory, LayerPath path) throws IOException {
    Files.createDirectory(directory, volume.creation(Volume.IMPLIED_MODE));
    volume.setOwner(directory, layer.id(), path, 0, 0);
    volume.setMode(directory, volume.modeOnDisk(EntryType.DIRECTORY, Volume.IMPLIED_MODE));
  }

  /** The extended attributes to keep: not those that are the business of the host. */
  List<Xattr> kept(TreeEntry entry) {
    List<Xattr> all = entry.attributes().xattrs();
    if (all.stream().noneMatch(xattr -> DROPPED_XATTRS.contains(xattr.name()))) {
      return all;
    }
    List<Xattr> kept = new ArrayList<>();
    for (Xattr xattr : all) {
      if (DROPPED_XATTRS.contains(xattr.name())) {
        context.warn(
            entry.path(),
            "extended attribute "
                + xattr.name()
                + " cannot be set by this driver, and is only in exported archives");
      } else {
        kept.add(xattr);
      }
    }
    return kept;
  }

  /** {@code added}, and those {@code before} that it does not replace. */
  static List<Xattr> merged(List<Xattr> before, List<Xattr> added) {
    if (before.isEmpty()) {
      return added;
    }
    List<Xattr> all = new ArrayList<>(added);
    for (Xattr xattr : before) {
      if (added.stream().noneMatch(other -> other.name().equals(xattr.name()))) {
        all.add(xattr);
      }
    }
    return all;
  }

  /**
   * An existing entry that a hard link is to name.
   *
   * @param real where it is, without links
   * @param file the same on the file system
   * @param look what it looked like in its directory
   * @param entry what it truly is
   */
  record Target(LayerPath real, Path file, Look look, TrueEntry entry) {}
}
