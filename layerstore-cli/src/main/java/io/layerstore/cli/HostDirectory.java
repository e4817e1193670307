package io.layerstore.cli;

import io.layerstore.LayerEntryAttributes;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A directory of the host that files are copied into, held open. Names in it are never followed.
 *
 * <p>Where the file system can do so, contents and attributes go through the open directory, so
 * that nobody who exchanges directories for links meanwhile leads them elsewhere. What Java makes
 * by path only, directories and links, is made while the path leads to the open directory. What it
 * sets by path only, special bits of modes and owners of links, is left out where somebody else
 * could exchange a directory.
 */
final class HostDirectory implements Closeable {
  private static final int SPECIAL = 07000;
  private static final int STICKY = 01000;

  private final Path path;
  private final @Nullable SecureDirectoryStream<Path> stream;
  private final boolean isTrusted;

  private HostDirectory(
      Path path, @Nullable SecureDirectoryStream<Path> stream, boolean isBelowTrusted)
      throws IOException {
    this.path = path;
    this.stream = stream;
    this.isTrusted = stream == null || (isBelowTrusted && isOurs(stream));
  }

  /** Opens the directory that the user has named, or that a link leads to which the user named. */
  @SuppressWarnings("StreamResourceLeak") // Closed with the directory.
  static HostDirectory open(Path path) throws IOException {
    DirectoryStream<Path> stream = Files.newDirectoryStream(path);
    if (stream instanceof SecureDirectoryStream<Path> secure) {
      return opened(path, secure, /* isBelowTrusted= */ true);
    }
    stream.close();
    return new HostDirectory(path, null, true);
  }

  private static HostDirectory opened(
      Path path, SecureDirectoryStream<Path> stream, boolean isBelowTrusted) throws IOException {
    try {
      return new HostDirectory(path, stream, isBelowTrusted);
    } catch (IOException | RuntimeException e) {
      stream.close();
      throw e;
    }
  }

  /** Whether nobody but this user and root can exchange what is in it. */
  private boolean isOurs(SecureDirectoryStream<Path> directory) throws IOException {
    PosixFileAttributeView view = directory.getFileAttributeView(PosixFileAttributeView.class);
    if (view == null) {
      return false;
    }
    PosixFileAttributes attributes = view.readAttributes();
    if (!isUser(attributes.owner(), "0")
        && !isUser(attributes.owner(), System.getProperty("user.name"))) {
      return false;
    }
    Set<PosixFilePermission> permissions = attributes.permissions();
    boolean isShared =
        permissions.contains(PosixFilePermission.GROUP_WRITE)
            || permissions.contains(PosixFilePermission.OTHERS_WRITE);
    return !isShared || ((int) Files.getAttribute(path, "unix:mode") & STICKY) != 0;
  }

  private boolean isUser(UserPrincipal owner, String name) throws IOException {
    try {
      return owner.equals(
          path.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(name));
    } catch (UserPrincipalNotFoundException e) {
      return false;
    }
  }

  /** Where {@code name} is. */
  Path path(Path name) {
    return path.resolve(name);
  }

  /** What is there; null if nothing is. */
  private @Nullable BasicFileAttributes look(Path name) throws IOException {
    try {
      return basic(name).readAttributes();
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** A view of what is there, or of the directory itself; null if there is none of that type. */
  private <V extends FileAttributeView> @Nullable V view(@Nullable Path name, Class<V> type) {
    if (stream == null) {
      Path place = name == null ? path : path.resolve(name);
      return Files.getFileAttributeView(place, type, LinkOption.NOFOLLOW_LINKS);
    }
    return name == null
        ? stream.getFileAttributeView(type)
        : stream.getFileAttributeView(name, type, LinkOption.NOFOLLOW_LINKS);
  }

  private BasicFileAttributeView basic(@Nullable Path name) {
    return Objects.requireNonNull(view(name, BasicFileAttributeView.class));
  }

  /** Opens a directory in it, which is made if it is missing. */
  HostDirectory directory(Path name) throws IOException {
    BasicFileAttributes found = look(name);
    if (found == null) {
      requireInPlace();
      Files.createDirectory(path(name));
    } else if (!found.isDirectory()) {
      throw new NotDirectoryException(path(name).toString());
    }
    return stream == null
        ? new HostDirectory(path(name), null, true)
        : opened(path(name), stream.newDirectoryStream(name, LinkOption.NOFOLLOW_LINKS), isTrusted);
  }

  /** Deletes what is there, unless it is a directory. */
  void clear(Path name) throws IOException {
    BasicFileAttributes found = look(name);
    if (found == null) {
      return;
    }
    if (found.isDirectory()) {
      throw new FileAlreadyExistsException(
          path(name).toString(), null, "a directory is in the way");
    }
    if (stream == null) {
      Files.delete(path(name));
    } else {
      stream.deleteFile(name);
    }
  }

  /** Makes a file. */
  OutputStream file(Path name) throws IOException {
    Set<StandardOpenOption> options =
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    return Channels.newOutputStream(
        stream == null
            ? Files.newByteChannel(path(name), options)
            : stream.newByteChannel(name, options));
  }

  /** Makes a symbolic link. */
  void symlink(Path name, Path target) throws IOException {
    requireInPlace();
    Files.createSymbolicLink(path(name), target);
  }

  /**
   * Fails if the path no longer leads to the directory that is held open.
   *
   * <p>Between this and what is made then somebody else can still come, where not only this user
   * may exchange the directory; nothing is written into what is made so.
   */
  private void requireInPlace() throws IOException {
    if (stream == null) {
      return;
    }
    Object there = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    if (!Objects.equals(there, basic(null).readAttributes().fileKey())) {
      throw new FileSystemException(
          path.toString(), null, "another program has put something in its place");
    }
  }

  /** What tells the file there from others. */
  @Nullable Object key(Path name) throws IOException {
    BasicFileAttributes found = look(name);
    return found == null ? null : found.fileKey();
  }

  /** Makes another name of the file {@code first}; false if there are no such links here. */
  boolean link(Path name, Path first, @Nullable Object key) throws IOException {
    requireInPlace();
    try {
      Files.createLink(path(name), first);
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
    if (Objects.equals(key, key(name))) {
      return true;
    }
    clear(name); // It is another file now.
    return false;
  }

  /**
   * Sets what this user may set of what is there, or of the directory itself.
   *
   * @return whether owners can be set
   */
  boolean setAttributes(@Nullable Path name, LayerEntryAttributes attributes, boolean setsOwners) {
    boolean hasOwner = setsOwners && attempt(() -> setOwner(name, attributes));
    attempt(
        () ->
            basic(name).setTimes(attributes.lastModifiedTime(), attributes.lastAccessTime(), null));
    if (!attributes.isSymbolicLink()) {
      attempt(() -> setMode(name, attributes, hasOwner));
    }
    return hasOwner;
  }

  private void setOwner(@Nullable Path name, LayerEntryAttributes attributes) throws IOException {
    int uid = (int) attributes.uid();
    int gid = (int) attributes.gid();
    if (isTrusted) {
      Path place = name == null ? path : path(name);
      Files.setAttribute(place, "unix:uid", uid, LinkOption.NOFOLLOW_LINKS);
      Files.setAttribute(place, "unix:gid", gid, LinkOption.NOFOLLOW_LINKS);
      return;
    }
    PosixFileAttributeView view = view(name, PosixFileAttributeView.class);
    if (view != null && !attributes.isSymbolicLink()) {
      UserPrincipalLookupService users = path.getFileSystem().getUserPrincipalLookupService();
      view.setOwner(users.lookupPrincipalByName(Integer.toString(uid)));
      view.setGroup(users.lookupPrincipalByGroupName(Integer.toString(gid)));
    }
  }

  /** Without the special bits where the file is not its owner's. */
  private void setMode(@Nullable Path name, LayerEntryAttributes attributes, boolean hasOwner)
      throws IOException {
    PosixFileAttributeView view = view(name, PosixFileAttributeView.class);
    if (isTrusted && hasOwner && (attributes.mode() & SPECIAL) != 0) {
      Path place = name == null ? path : path(name);
      int mode = attributes.mode() & (SPECIAL | 0777);
      Files.setAttribute(place, "unix:mode", mode, LinkOption.NOFOLLOW_LINKS);
    } else if (view != null) {
      view.setPermissions(attributes.permissions());
    }
  }

  @FunctionalInterface
  private interface Step {
    void run() throws IOException;
  }

  private static boolean attempt(Step step) {
    try {
      step.run();
      return true;
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return false;
    }
  }

  @Override
  public void close() throws IOException {
    if (stream != null) {
      stream.close();
    }
  }
}
