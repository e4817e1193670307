package io.layerstore.core.vfs;

import io.layerstore.ByteString;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Set;

/** Finds out what a file system can do, by trying it in a directory made for that. */
final class FileSystemProbe {

  private static final FileTime ODD_TIME =
      FileTime.from(Instant.ofEpochSecond(1_600_000_000, 123_456_789));
  private static final String COMPOSED = "probe-\u00e9";
  private static final String DECOMPOSED = "PROBE-e\u0301";

  private final Path directory;
  private final boolean hasUnixView;
  private final boolean hasPosixView;

  private FileSystemProbe(Path directory) {
    FileSystem fileSystem = directory.getFileSystem();
    Set<String> views = fileSystem.supportedFileAttributeViews();
    this.directory = directory;
    this.hasPosixView = views.contains("posix");
    this.hasUnixView = fileSystem.equals(FileSystems.getDefault()) && views.contains("unix");
  }

  /**
   * Tries everything in {@code directory}, which is empty, and leaves it so.
   *
   * @throws IOException if even a file, a directory or a link cannot be made
   */
  static FileSystemTraits write(Path directory) throws IOException {
    try {
      return new FileSystemProbe(directory).tryAll();
    } catch (UnsupportedOperationException e) {
      throw new IOException("the file system has no links", e);
    }
  }

  /** What can be told of the file system of {@code home} without writing to it. */
  static FileSystemTraits read(Path home) throws IOException {
    FileSystemProbe probe = new FileSystemProbe(home);
    boolean hasXattrs =
        Files.getFileStore(home).supportsFileAttributeView(UserDefinedFileAttributeView.class);
    boolean folds = Files.exists(home.resolve("DIR"), LinkOption.NOFOLLOW_LINKS);
    return new FileSystemTraits(
        probe.hasUnixView,
        probe.hasPosixView,
        home.getFileSystem().supportedFileAttributeViews().contains("unix"),
        false,
        false,
        hasXattrs,
        true,
        true,
        true,
        folds,
        true,
        probe.hasUnixView && tellsBirth(home),
        0,
        probe.id(home, "uid"),
        probe.id(home, "gid"));
  }

  private FileSystemTraits tryAll() throws IOException {
    Path file = directory.resolve("file");
    Path link = directory.resolve("link");
    Path hardLink = directory.resolve("hard-link");
    Path subdirectory = directory.resolve("directory");
    try {
      int mask = create(file);
      Files.createDirectory(subdirectory);
      Files.createSymbolicLink(link, directory.getFileSystem().getPath("file"));
      Files.createLink(hardLink, link);
      long uid = id(file, "uid");
      long gid = id(file, "gid");
      boolean hasXattrs = keepsUserXattr(file) && keepsUserXattr(subdirectory);
      boolean keepsFileTimes = keepsTime(file);
      boolean setsOwners = setsOwner(file, uid, gid);
      return new FileSystemTraits(
          hasUnixView,
          hasPosixView,
          directory.getFileSystem().supportedFileAttributeViews().contains("unix"),
          setsOwners,
          setsOwners && setsSpecialMode(file),
          hasXattrs,
          keepsFileTimes,
          keepsTime(subdirectory),
          keepsTime(link),
          folds(),
          Files.isSymbolicLink(hardLink),
          hasUnixView && tellsBirth(file),
          mask,
          uid,
          gid);
    } finally {
      Files.deleteIfExists(hardLink);
      Files.deleteIfExists(link);
      Files.deleteIfExists(subdirectory);
      Files.deleteIfExists(file);
    }
  }

  /** Makes a file with all permissions and tells which of them it did not get. */
  private int create(Path file) throws IOException {
    if (!hasPosixView) {
      Files.createFile(file);
      return 0;
    }
    Set<PosixFilePermission> all = EnumSet.allOf(PosixFilePermission.class);
    Files.createFile(file, PosixFilePermissions.asFileAttribute(all));
    return 0777 & ~PosixModes.toMode(Files.getPosixFilePermissions(file));
  }

  private long id(Path file, String attribute) throws IOException {
    return hasUnixView
        ? Integer.toUnsignedLong(
            (Integer) Files.getAttribute(file, "unix:" + attribute, LinkOption.NOFOLLOW_LINKS))
        : 0;
  }

  private boolean setsOwner(Path file, long uid, long gid) {
    if (!hasUnixView) {
      return false;
    }
    try {
      Files.setAttribute(file, "unix:uid", (int) uid + 1, LinkOption.NOFOLLOW_LINKS);
      Files.setAttribute(file, "unix:gid", (int) gid + 1, LinkOption.NOFOLLOW_LINKS);
      return id(file, "uid") == uid + 1 && id(file, "gid") == gid + 1;
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean setsSpecialMode(Path file) {
    try {
      Files.setAttribute(file, "unix:mode", 07755, LinkOption.NOFOLLOW_LINKS);
      Object mode = Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS);
      return ((Integer) mode & 07777) == 07755;
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean keepsUserXattr(Path file) {
    UserDefinedFileAttributeView view =
        Files.getFileAttributeView(
            file, UserDefinedFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    if (view == null) {
      return false;
    }
    try {
      view.write("layerstore.probe", ByteBuffer.wrap(new byte[] {1}));
      return view.list().contains("layerstore.probe");
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }

  private static boolean keepsTime(Path file) {
    BasicFileAttributeView view =
        Files.getFileAttributeView(file, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    try {
      view.setTimes(ODD_TIME, ODD_TIME, null);
      return view.readAttributes().lastModifiedTime().equals(ODD_TIME);
    } catch (IOException e) {
      return false;
    }
  }

  /** Where the time of creation is not kept, the JDK shows that of the last modification. */
  private static boolean tellsBirth(Path file) throws IOException {
    BasicFileAttributes attributes =
        Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    return !attributes.creationTime().equals(attributes.lastModifiedTime());
  }

  private boolean folds() throws IOException {
    ByteNames names = new ByteNames(directory.getFileSystem());
    Path composed = directory.resolve(names.toPath(ByteString.utf8(COMPOSED)));
    Path decomposed = directory.resolve(names.toPath(ByteString.utf8(DECOMPOSED)));
    Path upper = directory.resolve(names.toPath(ByteString.utf8("PROBE-\u00e9")));
    Files.createDirectory(composed);
    try {
      return Files.exists(decomposed, LinkOption.NOFOLLOW_LINKS)
          || Files.exists(upper, LinkOption.NOFOLLOW_LINKS);
    } finally {
      Files.delete(composed);
    }
  }
}
