package io.layerstore.vfs;

import io.layerstore.ArchiveException;
import io.layerstore.ByteString;
import io.layerstore.driver.PosixModes;
import io.layerstore.driver.rooted.ByteNames;
import io.layerstore.driver.rooted.NameTraits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds out what a file system can do, by trying it in a directory made for that. */
final class FileSystemProbe {

  private static final FileTime ODD_TIME =
      FileTime.from(Instant.ofEpochSecond(1_600_000_000, 123_456_789));
  private static final ByteString RESERVED = ByteString.utf8("probe:\\*?\"<>|\u0001 .");
  private static final ByteString BYTES = ByteString.utf8("probe-").concat(latin1(0xff));
  private static final ByteString COMPOSED = ByteString.utf8("probe-\u00e9");
  private static final ByteString DECOMPOSED = ByteString.utf8("probe-e\u0301");
  private static final ByteString UPPER = ByteString.utf8("PROBE-\u00c9");

  /** What systems say when they have no such thing, or this user may not use it. */
  private static final List<String> REFUSALS =
      List.of("not permitted", "not supported", "not implemented", "privilege", "denied");

  /** What they say of a name. */
  private static final List<String> NAME_REFUSALS =
      List.of("Invalid argument", "Illegal byte sequence", "Invalid or incomplete", "syntax");

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
   * @throws IOException if even a file or a directory cannot be made
   */
  static FileSystemTraits write(Path directory) throws IOException {
    return new FileSystemProbe(directory).tryAll();
  }

  /**
   * What can be told of the file system of {@code home} without writing to it.
   *
   * @param names what is noted there of names
   */
  static FileSystemTraits read(Path home, NameTraits names) throws IOException {
    FileSystemProbe probe = new FileSystemProbe(home);
    boolean hasXattrs =
        Files.getFileStore(home).supportsFileAttributeView(UserDefinedFileAttributeView.class);
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
        names,
        tellsSpelling(home.resolve("DIR"), "dir"),
        true,
        true,
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
      Path fileName = directory.getFileSystem().getPath("file");
      boolean hasSymlinks = canDo(() -> Files.createSymbolicLink(link, fileName));
      boolean hasHardLinks =
          canDo(() -> Files.createLink(hardLink, file)) && isOneFile(file, hardLink);
      Files.deleteIfExists(hardLink);
      boolean linksSymlinks =
          hasSymlinks
              && hasHardLinks
              && canDo(() -> Files.createLink(hardLink, link))
              && Files.isSymbolicLink(hardLink);
      long uid = id(file, "uid");
      long gid = id(file, "gid");
      boolean hasXattrs = keepsUserXattr(file) && keepsUserXattr(subdirectory);
      boolean keepsFileTimes = keepsTime(file);
      boolean setsOwners = setsOwner(file, uid, gid);
      boolean tellsSpelling = tellsSpelling(directory.resolve("FILE"), "file");
      NameTraits names = names();
      return new FileSystemTraits(
          hasUnixView,
          hasPosixView,
          directory.getFileSystem().supportedFileAttributeViews().contains("unix"),
          setsOwners,
          setsOwners && setsSpecialMode(file),
          hasXattrs,
          keepsFileTimes,
          keepsTime(subdirectory),
          hasSymlinks && keepsTime(link),
          names,
          tellsSpelling,
          hasSymlinks,
          hasHardLinks,
          linksSymlinks,
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

  @FunctionalInterface
  private interface Attempt {
    Object run() throws IOException;
  }

  /** Whether {@code attempt} succeeds, and not whether there is just no room for it. */
  private boolean canDo(Attempt attempt) throws IOException {
    try {
      attempt.run();
      return true;
    } catch (UnsupportedOperationException | SecurityException | AccessDeniedException e) {
      return false;
    } catch (FileSystemException e) {
      if (isSaid(e, REFUSALS)) {
        return false;
      }
      throw e;
    }
  }

  private static boolean isSaid(FileSystemException e, List<String> reasons) {
    String reason = String.valueOf(e.getReason());
    return reasons.stream().anyMatch(reason::contains);
  }

  private static boolean isOneFile(Path file, Path other) throws IOException {
    Object key = fileKey(file);
    return key != null && key.equals(fileKey(other));
  }

  private static @Nullable Object fileKey(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        .fileKey();
  }

  private static ByteString latin1(int b) {
    return ByteString.of(new byte[] {(byte) b});
  }

  /**
   * Whether a file found under {@code other} is known to be spelt {@code real}; true if none is.
   */
  private static boolean tellsSpelling(Path other, String real) throws IOException {
    try {
      return real.equals(String.valueOf(other.toRealPath(LinkOption.NOFOLLOW_LINKS).getFileName()));
    } catch (NoSuchFileException e) {
      return true;
    }
  }

  private NameTraits names() throws IOException {
    ByteNames names = new ByteNames(directory.getFileSystem());
    return new NameTraits(
        foldsCase(names),
        !names.isWindows() && holds(names, RESERVED),
        holds(names, BYTES),
        holds(names, COMPOSED),
        holds(names, DECOMPOSED));
  }

  /** Whether there can be a file called {@code name}, and it is listed as just that. */
  private boolean holds(ByteNames names, ByteString name) throws IOException {
    Path file;
    try {
      file = Files.createFile(directory.resolve(names.toPath(name)));
    } catch (ArchiveException
        | IllegalArgumentException
        | AccessDeniedException
        | NoSuchFileException e) {
      return false;
    } catch (FileSystemException e) {
      if (isSaid(e, REFUSALS) || isSaid(e, NAME_REFUSALS)) {
        return false;
      }
      throw e;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        if (names.fromPath(entry).equals(name)) {
          return true;
        }
      }
      return false;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    } finally {
      Files.delete(file);
    }
  }

  private boolean foldsCase(ByteNames names) throws IOException {
    Path composed = directory.resolve(names.toPath(COMPOSED));
    Files.createFile(composed);
    try {
      return Files.exists(directory.resolve(names.toPath(DECOMPOSED)), LinkOption.NOFOLLOW_LINKS)
          || Files.exists(directory.resolve(names.toPath(UPPER)), LinkOption.NOFOLLOW_LINKS)
          || Files.exists(directory.resolve("FILE"), LinkOption.NOFOLLOW_LINKS);
    } finally {
      Files.delete(composed);
    }
  }
}
