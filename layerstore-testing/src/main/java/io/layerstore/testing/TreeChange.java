package io.layerstore.testing;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import io.layerstore.spi.Xattr;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * One change to a tree, as a value.
 *
 * <p>The same change can be applied to a {@link TreeModel} in memory, given to a driver as part of
 * a layer with {@link #writeTo}, and made in a mounted directory with {@link MountedTree}.
 *
 * <pre>{@code
 * model.apply(dir("etc"), file("etc/motd", "hello").owner(5, 6), remove("tmp/old"));
 * }</pre>
 *
 * <p>Unless told otherwise directories have mode 0755, links 0777, everything else 0644; everything
 * belongs to 0:0 and was modified at {@link #TIME}.
 */
public sealed interface TreeChange {

  /** The default time of modification: 2020-09-13T12:26:40Z. */
  Instant TIME = Instant.ofEpochSecond(1_600_000_000);

  /** The path that changes. */
  LayerPath path();

  /** A new or replaced entry. */
  record Put(TreeEntry entry, ByteString content) implements TreeChange {

    @Override
    public LayerPath path() {
      return entry.path();
    }

    /** The same entry with the permission bits {@code mode}. */
    public Put mode(int mode) {
      return with(attributes -> attributes.withMode(mode));
    }

    /** The same entry with another owner. */
    public Put owner(long uid, long gid) {
      return with(attributes -> attributes.withOwner(uid, gid));
    }

    /** The same entry, last modified and accessed at {@code time}. */
    public Put time(Instant time) {
      return with(attributes -> attributes.withTimes(time, time));
    }

    /** The same entry with one more extended attribute. */
    public Put xattr(String name, String value) {
      return xattr(ByteString.utf8(name), ByteString.utf8(value));
    }

    /** The same entry with one more extended attribute. */
    public Put xattr(ByteString name, ByteString value) {
      return with(attributes -> withXattr(attributes, name, value));
    }

    private Put with(UnaryOperator<Attributes> change) {
      return new Put(entry.withAttributes(change.apply(entry.attributes())), content);
    }

    @Override
    public void writeTo(TreeWriter writer) throws IOException {
      write(writer, entry, content);
    }

    @Override
    public String toString() {
      return "put " + entry.type() + " /" + path();
    }
  }

  /** A deletion; in a layer, a whiteout. */
  record Remove(LayerPath path) implements TreeChange {

    @Override
    public void writeTo(TreeWriter writer) throws IOException {
      writer.write(TreeEntry.whiteout(path, Attributes.of(0600, TIME)), null);
    }

    @Override
    public String toString() {
      return "remove /" + path;
    }
  }

  /** The deletion of what the layers below have in a directory; in a layer, an opaque mark. */
  record Opaque(LayerPath path) implements TreeChange {

    @Override
    public void writeTo(TreeWriter writer) throws IOException {
      writer.write(TreeEntry.opaque(path, Attributes.of(0644, TIME)), null);
    }

    @Override
    public String toString() {
      return "opaque /" + path;
    }
  }

  /** Other attributes for an entry that is there, in place; in a layer, the whole entry again. */
  record Alter(LayerPath path, String what, UnaryOperator<Attributes> change)
      implements TreeChange {

    @Override
    public void writeTo(TreeWriter writer) {
      throw new IllegalStateException("make an entry of it first: " + this);
    }

    @Override
    public String toString() {
      return what + " /" + path;
    }
  }

  /**
   * Gives the change to {@code writer} as part of a layer. An alteration cannot be given as such;
   * see {@link #asEntry}.
   */
  void writeTo(TreeWriter writer) throws IOException;

  /** The change as it is in a layer on top of {@code before}: an alteration is an entry there. */
  default TreeChange asEntry(TreeModel before) {
    if (this instanceof Alter alter) {
      TreeEntry entry = before.entry(alter.path());
      return new Put(
          entry.withAttributes(alter.change().apply(entry.attributes())),
          before.content(alter.path()));
    }
    return this;
  }

  private static void write(TreeWriter writer, TreeEntry entry, ByteString content)
      throws IOException {
    FileContent data =
        entry.type() == EntryType.FILE
            ? FileContent.dense(new ByteArrayInputStream(content.toByteArray()), content.length())
            : null;
    writer.write(entry, data);
  }

  private static Attributes withXattr(Attributes attributes, ByteString name, ByteString value) {
    List<Xattr> xattrs = new ArrayList<>(attributes.xattrs());
    xattrs.removeIf(xattr -> xattr.name().equals(name));
    xattrs.add(new Xattr(name, value));
    return attributes.withXattrs(xattrs);
  }

  private static Put put(TreeEntry entry) {
    return new Put(entry, ByteString.EMPTY);
  }

  /** A directory. */
  static Put dir(String path) {
    return put(TreeEntry.directory(LayerPath.of(path), Attributes.of(0755, TIME)));
  }

  /** A regular file. */
  static Put file(String path, String content) {
    return file(LayerPath.of(path), ByteString.utf8(content));
  }

  /** A regular file. */
  static Put file(LayerPath path, ByteString content) {
    return new Put(TreeEntry.file(path, Attributes.of(0644, TIME), content.length()), content);
  }

  /** A symbolic link to {@code text}. */
  static Put symlink(String path, String text) {
    return symlink(LayerPath.of(path), ByteString.utf8(text));
  }

  /** A symbolic link to {@code text}. */
  static Put symlink(LayerPath path, ByteString text) {
    return put(TreeEntry.symlink(path, Attributes.of(0777, TIME), text));
  }

  /** A further name of {@code target}, which also gets the attributes of this entry. */
  static Put hardLink(String path, String target) {
    return put(
        TreeEntry.hardLink(LayerPath.of(path), Attributes.of(0644, TIME), LayerPath.of(target)));
  }

  /** A named pipe. */
  static Put fifo(String path) {
    return put(TreeEntry.fifo(LayerPath.of(path), Attributes.of(0644, TIME)));
  }

  /** A character device. */
  static Put characterDevice(String path, long major, long minor) {
    return device(path, EntryType.CHARACTER_DEVICE, new Device(major, minor));
  }

  /** A block device. */
  static Put blockDevice(String path, long major, long minor) {
    return device(path, EntryType.BLOCK_DEVICE, new Device(major, minor));
  }

  private static Put device(String path, EntryType type, Device device) {
    return put(TreeEntry.device(LayerPath.of(path), type, Attributes.of(0644, TIME), device));
  }

  /** The deletion of {@code path} and all below. */
  static TreeChange remove(String path) {
    return new Remove(LayerPath.of(path));
  }

  /** The deletion of what the layers below have in {@code directory}. */
  static TreeChange opaque(String directory) {
    return new Opaque(LayerPath.of(directory));
  }

  /** Other permission bits. */
  static TreeChange chmod(String path, int mode) {
    return new Alter(LayerPath.of(path), "chmod", attributes -> attributes.withMode(mode));
  }

  /** Another owner. */
  static TreeChange chown(String path, long uid, long gid) {
    return new Alter(LayerPath.of(path), "chown", attributes -> attributes.withOwner(uid, gid));
  }

  /** Another time of modification and access. */
  static TreeChange touch(String path, Instant time) {
    return new Alter(LayerPath.of(path), "touch", attributes -> attributes.withTimes(time, time));
  }

  /** One more extended attribute, or another value for it. */
  static TreeChange setXattr(String path, String name, String value) {
    return new Alter(
        LayerPath.of(path),
        "setxattr",
        attributes -> withXattr(attributes, ByteString.utf8(name), ByteString.utf8(value)));
  }
}
