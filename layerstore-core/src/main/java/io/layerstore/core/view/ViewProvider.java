package io.layerstore.core.view;

import io.layerstore.LayerEntryAttributes;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.LinkOption;
import java.nio.file.NotLinkException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.spi.FileSystemProvider;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The provider of file systems that show layers: all that {@link java.nio.file.Files} asks for. */
public final class ViewProvider extends FileSystemProvider {

  /** The scheme of its URIs. */
  public static final String SCHEME = "layerstore";

  private static final int EXECUTE_BITS = 0111;

  /** For the JDK, which finds it as a service. */
  public ViewProvider() {}

  /** The one the JDK has found, else one of our own. */
  static ViewProvider instance() {
    return Holder.INSTANCE;
  }

  private static final class Holder {
    static final ViewProvider INSTANCE = find();

    private static ViewProvider find() {
      for (FileSystemProvider provider : FileSystemProvider.installedProviders()) {
        if (provider instanceof ViewProvider installed) {
          return installed;
        }
      }
      return new ViewProvider();
    }
  }

  private static ViewPath checked(Path path) {
    if (Objects.requireNonNull(path, "path") instanceof ViewPath ours) {
      return ours;
    }
    throw new ProviderMismatchException();
  }

  private static boolean follows(LinkOption... options) {
    return !Arrays.asList(options).contains(LinkOption.NOFOLLOW_LINKS);
  }

  @Override
  public String getScheme() {
    return SCHEME;
  }

  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> env) throws IOException {
    return ViewOpening.open(uri, env);
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    return ViewUris.find(uri);
  }

  @Override
  public Path getPath(URI uri) {
    return ViewUris.path(uri);
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    ViewPath file = checked(path);
    boolean followsLast = requireReading(options);
    if (!followsLast) {
      requireNoLink(file);
    }
    return new FileChannelView(file.getFileSystem(), file.getFileSystem().file(file));
  }

  @Override
  public InputStream newInputStream(Path path, OpenOption... options) throws IOException {
    ViewPath file = checked(path);
    boolean followsLast = requireReading(List.of(options));
    if (!followsLast) {
      requireNoLink(file);
    }
    return file.getFileSystem().open(file.getFileSystem().file(file), 0);
  }

  /** Whether links are followed. */
  private static boolean requireReading(Collection<? extends OpenOption> options) {
    boolean followsLast = true;
    for (OpenOption option : options) {
      if (option == LinkOption.NOFOLLOW_LINKS) {
        followsLast = false;
      } else if (!(option instanceof StandardOpenOption)) {
        throw new UnsupportedOperationException("the option " + option);
      } else if (option == StandardOpenOption.WRITE
          || option == StandardOpenOption.APPEND
          || option == StandardOpenOption.DELETE_ON_CLOSE) {
        throw new ReadOnlyFileSystemException();
      }
    }
    return followsLast;
  }

  private static void requireNoLink(ViewPath file) throws IOException {
    if (file.getFileSystem().attributes(file, false).isSymbolicLink()) {
      throw new IOException(file + ": a symbolic link, which is not to be followed");
    }
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path path, DirectoryStream.Filter<? super Path> filter) throws IOException {
    ViewPath directory = checked(path);
    ViewFileSystem fileSystem = directory.getFileSystem();
    return new ViewDirectoryStream(directory, fileSystem.directory(directory), filter);
  }

  @Override
  public void createDirectory(Path directory, FileAttribute<?>... attributes) {
    throw readOnly(directory);
  }

  @Override
  public void createSymbolicLink(Path link, Path target, FileAttribute<?>... attributes) {
    throw readOnly(link);
  }

  @Override
  public void createLink(Path link, Path existing) {
    throw readOnly(link);
  }

  @Override
  public void delete(Path path) {
    throw readOnly(path);
  }

  @Override
  public void copy(Path source, Path target, CopyOption... options) {
    throw readOnly(target);
  }

  @Override
  public void move(Path source, Path target, CopyOption... options) {
    throw readOnly(target);
  }

  private static ReadOnlyFileSystemException readOnly(Path path) {
    checked(path).getFileSystem().requireOpen();
    return new ReadOnlyFileSystemException();
  }

  @Override
  public Path readSymbolicLink(Path link) throws IOException {
    ViewPath path = checked(link);
    ViewFileSystem fileSystem = path.getFileSystem();
    EntryAttributes attributes = fileSystem.attributes(path, false);
    if (!attributes.isSymbolicLink()) {
      throw new NotLinkException(link.toString());
    }
    return ViewPath.of(fileSystem, attributes.linkText().toByteArray());
  }

  @Override
  public boolean isSameFile(Path path, Path other) throws IOException {
    ViewPath ours = checked(path);
    if (ours.equals(other)) {
      return true;
    }
    if (!(other instanceof ViewPath that) || that.getFileSystem() != ours.getFileSystem()) {
      return false;
    }
    ViewFileSystem fileSystem = ours.getFileSystem();
    return fileSystem.attributes(ours, true).id() == fileSystem.attributes(that, true).id();
  }

  @Override
  public boolean isHidden(Path path) {
    Path name = checked(path).getFileName();
    return name != null && name.toString().startsWith(".");
  }

  @Override
  public FileStore getFileStore(Path path) throws IOException {
    ViewPath ours = checked(path);
    ours.getFileSystem().attributes(ours, true);
    return ours.getFileSystem().store();
  }

  @Override
  public void checkAccess(Path path, AccessMode... modes) throws IOException {
    ViewPath ours = checked(path);
    EntryAttributes attributes = ours.getFileSystem().attributes(ours, true);
    for (AccessMode mode : modes) {
      if (mode == AccessMode.WRITE) {
        throw new AccessDeniedException(path.toString(), null, "a layer is not written to");
      }
      if (mode == AccessMode.EXECUTE && (attributes.mode() & EXECUTE_BITS) == 0) {
        throw new AccessDeniedException(path.toString());
      }
    }
  }

  @Override
  public <V extends FileAttributeView> @Nullable V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    FileAttributeView view = AttributeViews.of(checked(path), follows(options), type);
    return view == null ? null : type.cast(view);
  }

  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    if (type != BasicFileAttributes.class
        && type != PosixFileAttributes.class
        && type != LayerEntryAttributes.class) {
      throw new UnsupportedOperationException("attributes of the type " + type.getName());
    }
    ViewPath ours = checked(path);
    return type.cast(ours.getFileSystem().attributes(ours, follows(options)));
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... options)
      throws IOException {
    ViewPath ours = checked(path);
    return AttributeMaps.read(ours.getFileSystem().attributes(ours, follows(options)), attributes);
  }

  @Override
  public void setAttribute(Path path, String attribute, Object value, LinkOption... options) {
    throw readOnly(path);
  }
}
