package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.driver.PosixModes;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.DiskNames;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import io.layerstore.vfs.record.DiskEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.nio.file.attribute.UserPrincipal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes the attributes of files, as far as the file system under the home can.
 *
 * <p>Paths are those of files that nobody else changes meanwhile: in the staging directory, or just
 * reached by a {@link Directory}. The last name is never followed. Immutable; safe for use by many
 * threads.
 */
final class Volume {

  private static final String USER = "user.";
  private static final ByteString USER_PREFIX = ByteString.utf8(USER);
  private static final ByteString OVERLAY_PREFIX = ByteString.utf8("user.overlay.");

  /** What a directory gets for which the archive has no entry. */
  static final int IMPLIED_MODE = 0755;

  private static final int LINK_MODE = 0777;
  private static final int DIRECTORY_MODE_WITHOUT_VIEW = 0755;
  private static final int FILE_MODE_WITHOUT_VIEW = 0644;

  private static final int TYPE_MASK = 0170000;

  /*
   * A table, as in AttributeCodec. With switches in both places, the first block device after some
   * hundred thousand files was recorded as a character device in a long test run on JDK 17.0.15, and
   * as something else than itself in one before; trying again in the same process was right. Why is
   * not known. The code read right, so compiled code is suspected; nobody has reproduced it.
   */
  private static final Map<Integer, EntryType> TYPES =
      Map.of(
          0040000, EntryType.DIRECTORY,
          0100000, EntryType.FILE,
          0120000, EntryType.SYMLINK,
          0020000, EntryType.CHARACTER_DEVICE,
          0060000, EntryType.BLOCK_DEVICE,
          0010000, EntryType.FIFO);

  private static final String UNIX_ATTRIBUTES =
      "unix:mode,uid,gid,ino,nlink,rdev,size,lastModifiedTime,lastAccessTime,creationTime,fileKey";

  private final FileSystemTraits traits;
  private final DiskNames names;
  private final Owners owners;

  Volume(FileSystemTraits traits, DiskNames names, Owners owners) {
    this.traits = traits;
    this.names = names;
    this.owners = owners;
  }

  FileSystemTraits traits() {
    return traits;
  }

  DiskNames names() {
    return names;
  }

  // Reading

  /** What {@code path} is; {@code id} and {@code name} are for the message if it cannot be told. */
  DiskEntry read(Path path, String id, Object name) throws IOException {
    return traits.hasUnixView() ? readUnix(path, id, name) : readPortable(path);
  }

  private DiskEntry readUnix(Path path, String id, Object name) throws IOException {
    Map<String, Object> all =
        Files.readAttributes(path, UNIX_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
    int mode = (Integer) get(all, "mode");
    EntryType type = typeOf(mode);
    boolean isDevice = type == EntryType.CHARACTER_DEVICE || type == EntryType.BLOCK_DEVICE;
    String text = name.toString();
    long uid = owners.uidInLayer(id, text, Integer.toUnsignedLong((Integer) get(all, "uid")));
    long gid = owners.gidInLayer(id, text, Integer.toUnsignedLong((Integer) get(all, "gid")));
    return new DiskEntry(
        type,
        isDevice ? device((Long) get(all, "rdev")) : null,
        type == EntryType.FILE ? (Long) get(all, "size") : 0,
        type == EntryType.SYMLINK ? LINK_MODE : mode & 07777,
        uid,
        gid,
        ((FileTime) get(all, "lastModifiedTime")).toInstant(),
        ((FileTime) get(all, "lastAccessTime")).toInstant(),
        (Long) get(all, "ino"),
        traits.keepsBirthTimes()
            ? ((FileTime) get(all, "creationTime")).toInstant()
            : Instant.EPOCH,
        get(all, "fileKey"),
        type == EntryType.DIRECTORY ? 1 : (Integer) get(all, "nlink"));
  }

  private static Object get(Map<String, Object> attributes, String name) {
    return Objects.requireNonNull(attributes.get(name), name);
  }

  private static @Nullable EntryType typeOf(int mode) {
    return TYPES.get(mode & TYPE_MASK);
  }

  private DiskEntry readPortable(Path path) throws IOException {
    Class<? extends BasicFileAttributes> kind =
        traits.hasPosixView() ? PosixFileAttributes.class : BasicFileAttributes.class;
    BasicFileAttributes basic = Files.readAttributes(path, kind, LinkOption.NOFOLLOW_LINKS);
    EntryType type =
        basic.isSymbolicLink()
            ? EntryType.SYMLINK
            : basic.isDirectory()
                ? EntryType.DIRECTORY
                : basic.isRegularFile() ? EntryType.FILE : null;
    int mode = basic.isDirectory() ? DIRECTORY_MODE_WITHOUT_VIEW : FILE_MODE_WITHOUT_VIEW;
    long uid = 0;
    long gid = 0;
    if (basic instanceof PosixFileAttributes posix) {
      mode = PosixModes.toMode(posix.permissions());
      uid = idOf(posix.owner());
      gid = idOf(posix.group());
    }
    Object key = basic.fileKey();
    int links =
        traits.hasLinkCounts()
            ? (Integer) Files.getAttribute(path, "unix:nlink", LinkOption.NOFOLLOW_LINKS)
            : DiskEntry.UNKNOWN_NAMES;
    return new DiskEntry(
        type,
        null,
        type == EntryType.FILE ? basic.size() : 0,
        type == EntryType.SYMLINK ? LINK_MODE : mode,
        uid,
        gid,
        basic.lastModifiedTime().toInstant(),
        basic.lastAccessTime().toInstant(),
        key instanceof Number number ? number.longValue() : 0,
        Instant.EPOCH,
        key,
        type == EntryType.DIRECTORY || key == null ? 1 : links);
  }

  /** In memory, an owner is a name: a number means itself, anything else whoever runs this. */
  private static long idOf(UserPrincipal principal) {
    String name = principal.getName();
    if (name.isEmpty() || name.length() > 10 || !name.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return 0;
    }
    long id = Long.parseLong(name);
    return id <= Attributes.MAX_ID ? id : 0;
  }

  /** The extended attributes on disk, sorted; none if they may not be read. */
  List<Xattr> readXattrs(Path path, DiskEntry entry) throws IOException {
    if (!traits.keepsUserXattrs() || !(entry.isFile() || entry.isDirectory())) {
      return List.of();
    }
    if (entry.isFile() && (entry.mode() & 0400) == 0 && !traits.setsOwners()) {
      return List.of();
    }
    UserDefinedFileAttributeView view = xattrView(path);
    List<String> found = view.list();
    if (found.isEmpty()) {
      return List.of();
    }
    List<Xattr> xattrs = new ArrayList<>(found.size());
    for (String name : found.stream().sorted().toList()) {
      ByteBuffer value = ByteBuffer.allocate(view.size(name));
      view.read(name, value);
      xattrs.add(
          new Xattr(
              ByteString.utf8(USER + name), ByteString.of(value.array(), 0, value.position())));
    }
    return xattrs;
  }

  private static UserDefinedFileAttributeView xattrView(Path path) {
    return Files.getFileAttributeView(
        path, UserDefinedFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
  }

  // Writing

  /** How to make an object of {@code mode} without others seeing more of it for a moment. */
  FileAttribute<?>[] creation(int mode) {
    return traits.hasPosixView()
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixModes.toPermissions(mode))
        }
        : new FileAttribute<?>[0];
  }

  /** The mode a new entry gets on disk for one that has {@code mode} in the archive. */
  int modeOnDisk(EntryType type, int mode) {
    int possible = traits.setsSpecialModes() ? mode : mode & 0777;
    if (traits.setsOwners() || !traits.hasUnixView()) {
      return possible;
    }
    // Nobody but root gets past missing permissions, and children are copied from this.
    return possible | (type == EntryType.DIRECTORY ? 0700 : 0400);
  }

  /** Whether {@code mode} is what a new file has that was made with {@link #creation}. */
  boolean getsModeAtCreation(int mode) {
    return !traits.hasPosixView() || (mode & (07000 | traits.creationMask())) == 0;
  }

  /** Sets all twelve bits of {@code mode} as far as possible; {@code path} is no symbolic link. */
  void setMode(Path path, int mode) throws IOException {
    if (traits.hasUnixView()) {
      Files.setAttribute(path, "unix:mode", mode & 07777, LinkOption.NOFOLLOW_LINKS);
    } else if (traits.hasPosixView()) {
      Files.setPosixFilePermissions(path, PosixModes.toPermissions(mode));
    }
  }

  /** Whether entries of {@code type} certainly keep the mode and the times they are given. */
  boolean keepsModesAndTimes(EntryType type) {
    return traits.hasPosixView()
        && ((type == EntryType.FILE && traits.keepsFileTimes())
            || (type == EntryType.DIRECTORY && traits.keepsDirectoryTimes()));
  }

  /** Lets an ordinary user into a directory from which permissions have been taken. */
  void makeAccessible(Path directory, String id, Object name) throws IOException {
    if (traits.hasUnixView()
        && !traits.setsOwners()
        && (read(directory, id, name).mode() & 0700) != 0700) {
      setMode(directory, 0700);
    }
  }

  /**
   * Gives {@code path}, which this process has just made, away, if that can be done at all.
   *
   * @return whether it shows that owner now
   */
  boolean setOwner(Path path, String id, Object name, long uid, long gid) throws IOException {
    if (!traits.setsOwners()) {
      return uid == 0 && gid == 0;
    }
    long diskUid = owners.uidOnDisk(id, name.toString(), uid);
    long diskGid = owners.gidOnDisk(id, name.toString(), gid);
    return (diskUid == traits.uid() && diskGid == traits.gid())
        || changeOwner(path, diskUid, diskGid);
  }

  /** The same for an object that exists and may belong to anybody. */
  void replaceOwner(Path path, String id, Object name, long uid, long gid) throws IOException {
    if (traits.setsOwners()) {
      changeOwner(
          path,
          owners.uidOnDisk(id, name.toString(), uid),
          owners.gidOnDisk(id, name.toString(), gid));
    }
  }

  /** Makes root of the layers the group of {@code directory}. */
  void setGroupOfRoot(Path directory) throws IOException {
    if (traits.setsOwners() && !owners.isIdentity()) {
      changeOwner(directory, traits.uid(), owners.gidOnDisk("", "", 0));
    }
  }

  private static boolean changeOwner(Path path, long uid, long gid) throws IOException {
    try {
      Files.setAttribute(path, "unix:uid", (int) uid, LinkOption.NOFOLLOW_LINKS);
      Files.setAttribute(path, "unix:gid", (int) gid, LinkOption.NOFOLLOW_LINKS);
      return true;
    } catch (FileSystemException e) {
      // In a user namespace some ids do not exist. What the disk shows then is compared with what
      // it should, so the true owner goes into the record of the entry.
      if (!isRefusal(e)) {
        throw e;
      }
      return false;
    }
  }

  private static boolean isRefusal(FileSystemException e) {
    String reason = e.getReason();
    return reason != null
        && (reason.contains("Invalid argument") || reason.contains("not permitted"));
  }

  void setTimes(Path path, Instant modified, Instant accessed) throws IOException {
    Files.getFileAttributeView(path, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .setTimes(
            FileTime.from(DiskEntry.storable(modified)),
            FileTime.from(DiskEntry.storable(accessed)),
            null);
  }

  /** Sets what the disk takes of {@code xattrs} and returns the rest. */
  List<Xattr> setXattrs(Path path, EntryType type, List<Xattr> xattrs) throws IOException {
    if (xattrs.isEmpty()) {
      return List.of();
    }
    List<Xattr> rest = new ArrayList<>();
    for (Xattr xattr : xattrs) {
      if (!isForDisk(type, xattr.name()) || !setXattr(path, xattr)) {
        rest.add(xattr);
      }
    }
    return rest;
  }

  private boolean isForDisk(EntryType type, ByteString name) {
    if (!traits.keepsUserXattrs()
        || !(type == EntryType.FILE || type == EntryType.DIRECTORY)
        || !name.startsWith(USER_PREFIX)
        || name.length() == USER_PREFIX.length()
        || name.startsWith(OVERLAY_PREFIX)) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      if (name.at(i) <= 0x20 || name.at(i) == 0x7f) {
        return false;
      }
    }
    return true;
  }

  private static boolean setXattr(Path path, Xattr xattr) {
    String name = xattr.name().decodeUtf8().orElseThrow().substring(USER.length());
    try {
      xattrView(path).write(name, xattr.value().asByteBuffer());
      return true;
    } catch (IOException e) {
      // Too large, too many, or not on this file: it goes into the record of the entry.
      return false;
    }
  }

  /** The numbers inside a Linux {@code dev_t}, as glibc's {@code makedev} packs them. */
  private static Device device(long number) {
    long major = ((number >>> 8) & 0xfff) | ((number >>> 32) & 0xffff_f000L);
    long minor = (number & 0xff) | ((number >>> 12) & 0xffff_ff00L);
    return new Device(major, minor);
  }
}
