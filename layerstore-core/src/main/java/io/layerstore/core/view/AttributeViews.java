package io.layerstore.core.view;

import io.layerstore.ByteString;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.nio.file.attribute.UserPrincipal;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The views of attributes that have a type. */
final class AttributeViews {

  private AttributeViews() {}

  /** The view of this type, or null if there is none. */
  static @Nullable FileAttributeView of(
      ViewPath path, boolean followsLast, Class<? extends FileAttributeView> type) {
    if (type == BasicFileAttributeView.class) {
      return new Basic(path, followsLast, "basic");
    }
    if (type == PosixFileAttributeView.class) {
      return new Basic(path, followsLast, "posix");
    }
    if (type == FileOwnerAttributeView.class) {
      return new Basic(path, followsLast, "owner");
    }
    return type == UserDefinedFileAttributeView.class ? new User(path, followsLast) : null;
  }

  private record Basic(ViewPath path, boolean followsLast, String name)
      implements PosixFileAttributeView {

    @Override
    public EntryAttributes readAttributes() throws IOException {
      return path.getFileSystem().attributes(path, followsLast);
    }

    @Override
    public UserPrincipal getOwner() throws IOException {
      return readAttributes().owner();
    }

    @Override
    public void setPermissions(Set<PosixFilePermission> permissions) {
      throw new ReadOnlyFileSystemException();
    }

    @Override
    public void setGroup(GroupPrincipal group) {
      throw new ReadOnlyFileSystemException();
    }

    @Override
    public void setTimes(
        @Nullable FileTime modified, @Nullable FileTime accessed, @Nullable FileTime created) {
      throw new ReadOnlyFileSystemException();
    }

    @Override
    public void setOwner(UserPrincipal owner) {
      throw new ReadOnlyFileSystemException();
    }
  }

  private record User(ViewPath path, boolean followsLast) implements UserDefinedFileAttributeView {

    @Override
    public String name() {
      return "user";
    }

    private EntryAttributes attributes() throws IOException {
      return path.getFileSystem().attributes(path, followsLast);
    }

    private ByteString value(String name) throws IOException {
      ByteString value = AttributeMaps.user(attributes()).get(name);
      if (value == null) {
        throw new NoSuchFileException(
            path.toString(), null, "it has no extended attribute user." + name);
      }
      return value;
    }

    @Override
    public List<String> list() throws IOException {
      return List.copyOf(AttributeMaps.user(attributes()).keySet());
    }

    @Override
    public int size(String name) throws IOException {
      return value(name).length();
    }

    @Override
    public int read(String name, ByteBuffer target) throws IOException {
      ByteString value = value(name);
      if (target.remaining() < value.length()) {
        throw new IOException("the value of user." + name + " has " + value.length() + " bytes");
      }
      target.put(value.asByteBuffer());
      return value.length();
    }

    @Override
    public int write(String name, ByteBuffer source) {
      throw new ReadOnlyFileSystemException();
    }

    @Override
    public void delete(String name) {
      throw new ReadOnlyFileSystemException();
    }
  }
}
