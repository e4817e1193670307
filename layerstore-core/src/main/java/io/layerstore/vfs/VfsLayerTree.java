package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.driver.BlockFilterStream;
import io.layerstore.driver.Closing;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.Look;
import io.layerstore.driver.rooted.TreePosition;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.TreeEntry;
import io.layerstore.vfs.record.AttributeRecords;
import io.layerstore.vfs.record.DiskEntry;
import io.layerstore.vfs.record.TrueEntry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the files of a layer, with what was recorded of them.
 *
 * <p>Attributes have to be read by path; what was read counts only if it is of the file that the
 * open directory has. Not safe for use by many threads.
 */
final class VfsLayerTree implements LayerTree {

  private final LayerFiles layer;
  private final TreePosition position;
  private final AttributeRecords records;
  private boolean isClosed;

  VfsLayerTree(LayerFiles layer) throws IOException {
    this.layer = layer;
    this.position = new TreePosition(layer.open());
    try {
      this.records = layer.openRecords();
    } catch (IOException | RuntimeException e) {
      position.close();
      throw e;
    }
  }

  @Override
  public Optional<Node> find(LayerPath path) throws LayerStoreException {
    requireOpen();
    try {
      if (path.isRoot()) {
        DiskEntry disk = layer.volume().read(layer.directory(), layer.id(), path);
        return Optional.ofNullable(node(layer.directory(), path, disk));
      }
      position.goTo(path.parent());
      Directory directory = position.directory();
      return Optional.ofNullable(look(directory, path));
    } catch (NoSuchFileException | NotDirectoryException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot look at /" + path, e);
    }
  }

  @Override
  public List<Node> list(LayerPath path) throws LayerStoreException {
    requireOpen();
    try {
      position.goTo(path);
      Directory directory = position.directory();
      List<ByteString> names = directory.list();
      names.sort(null);
      NodeList nodes = new NodeList(path, names.size());
      for (ByteString name : names) {
        Node node = look(directory, path.resolve(name));
        if (node != null) {
          nodes.append(node);
        }
      }
      return nodes;
    } catch (NoSuchFileException | NotDirectoryException e) {
      // It is asked for what was there a moment ago.
      throw path.isRoot()
          ? VfsFailures.of(layer.id(), "cannot list /" + path, e)
          : new ConcurrentChangeException(path.toString(), e);
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot list /" + path, e);
    }
  }

  /** The entry {@code path} of {@code directory}; null if there is none, or a socket. */
  private @Nullable Node look(Directory directory, LayerPath path) throws IOException {
    Look look = directory.look(path.name());
    if (look == null) {
      return null;
    }
    Path file = directory.path(path.name());
    DiskEntry disk;
    try {
      disk = layer.volume().read(file, layer.id(), path);
    } catch (NoSuchFileException e) {
      return null;
    }
    requireSame(path, disk, look.key());
    Node node = node(file, path, disk);
    boolean isReadByPath =
        node != null
            && (node.entry().linkText() != null || !node.entry().attributes().xattrs().isEmpty());
    if (isReadByPath) {
      requireSame(path, layer.volume().read(file, layer.id(), path), look.key());
    }
    return node;
  }

  /** Somebody may exchange a directory on the way for a link to elsewhere. */
  private static void requireSame(LayerPath path, DiskEntry disk, @Nullable Object key)
      throws ConcurrentChangeException {
    Object found = disk.key();
    if (found != null && key != null && !found.equals(key)) {
      throw new ConcurrentChangeException(path.toString(), null);
    }
  }

  private @Nullable Node node(Path file, LayerPath path, DiskEntry disk) throws IOException {
    TrueEntry entry = layer.read(file, path, disk, records);
    if (entry == null) {
      return null;
    }
    return entry.group() == 0
        ? new Node(entry.at(path), fileId(path, disk), disk.names(), null)
        : new Node(entry.at(path), new Group(entry.group()), DiskEntry.UNKNOWN_NAMES, null);
  }

  /** What the copies of a file have in common that stand for its names. */
  private record Group(long number) {}

  /** A layer is on one file system, so an inode is enough. */
  private static Object fileId(LayerPath path, DiskEntry disk) {
    if (disk.inode() != 0) {
      return disk.inode();
    }
    Object key = disk.key();
    return key == null ? path : key;
  }

  @Override
  public InputStream open(Node node) throws LayerStoreException {
    requireOpen();
    TreeEntry entry = node.entry();
    if (entry.type() != EntryType.FILE) {
      throw new IllegalArgumentException("no regular file: /" + entry.path());
    }
    LayerPath path = entry.path();
    try {
      position.goTo(path.parent());
      Directory directory = position.directory();
      Look look = directory.look(path.name());
      if (look == null || !look.isFile() || look.sizeBytes() != entry.sizeBytes()) {
        throw new ConcurrentChangeException(path.toString(), null);
      }
      SeekableByteChannel channel = directory.openFile(path.name());
      return new UnchangedFileStream(
          channel, path, entry.sizeBytes(), () -> hasChanged(directory.path(path.name()), node));
    } catch (NoSuchFileException | NotDirectoryException e) {
      throw new ConcurrentChangeException(path.toString(), e);
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot read /" + path, e);
    }
  }

  /** Whether the file is no longer the one that {@code node} describes. */
  private boolean hasChanged(Path file, Node node) throws IOException {
    LayerPath path = node.entry().path();
    try {
      Node now = node(file, path, layer.volume().read(file, layer.id(), path));
      return now == null
          || !now.fileId().equals(node.fileId())
          || !now.entry().attributes().modified().equals(node.entry().attributes().modified())
          || now.entry().sizeBytes() != node.entry().sizeBytes();
    } catch (NoSuchFileException e) {
      return true;
    }
  }

  private void requireOpen() {
    if (isClosed) {
      throw new IllegalStateException("the tree is closed");
    }
  }

  @Override
  public void close() throws LayerStoreException {
    if (isClosed) {
      return;
    }
    isClosed = true;
    try {
      Closing.all(records, position);
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot close", e);
    }
  }

  /**
   * The content of a file that somebody may be writing to: exactly as many bytes as expected, or a
   * {@link ConcurrentChangeException}.
   */
  private static final class UnchangedFileStream extends BlockFilterStream {

    /** Tells whether the file is another one by now, or was written to. */
    interface ChangeCheck {
      boolean hasChanged() throws IOException;
    }

    private final LayerPath path;
    private final ChangeCheck check;
    private long remaining;
    private boolean isChecked;

    UnchangedFileStream(
        SeekableByteChannel channel, LayerPath path, long sizeBytes, ChangeCheck check) {
      super(Channels.newInputStream(channel));
      this.path = path;
      this.check = check;
      this.remaining = sizeBytes;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      if (remaining == 0) {
        checkOnce();
        return -1;
      }
      int count = in.read(target, offset, (int) Math.min(length, remaining));
      if (count < 0) {
        throw new ConcurrentChangeException(path.toString(), null);
      }
      remaining -= count;
      if (remaining == 0) {
        checkOnce();
      }
      return count;
    }

    private void checkOnce() throws IOException {
      if (!isChecked) {
        isChecked = true;
        if (in.read() >= 0 || check.hasChanged()) {
          throw new ConcurrentChangeException(path.toString(), null);
        }
      }
    }

    @Override
    public int available() throws IOException {
      return (int) Math.min(in.available(), remaining);
    }
  }
}
