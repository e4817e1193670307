package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.driver.Closing;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.Look;
import io.layerstore.driver.rooted.TreePosition;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileGetter;
import io.layerstore.vfs.record.AttributeRecord;
import io.layerstore.vfs.record.AttributeRecords;
import io.layerstore.vfs.record.DiskEntry;
import io.layerstore.vfs.record.TrueEntry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Opens the files of a layer by the names of its archive. Not safe for use by many threads. */
final class VfsFileGetter implements FileGetter {

  private final LayerFiles layer;
  private final InRootWalker walker;
  private final AttributeRecords records;
  private boolean isClosed;

  VfsFileGetter(LayerFiles layer) throws IOException {
    this.layer = layer;
    this.walker = new InRootWalker(layer.open(), new GetterGuide());
    try {
      this.records = layer.openRecords();
    } catch (IOException | RuntimeException e) {
      walker.close();
      throw e;
    }
  }

  @Override
  public InputStream open(LayerPath path, long sizeBytes) throws LayerStoreException {
    try {
      SeekableByteChannel channel = find(path, sizeBytes).openFile(path.name());
      try {
        if (channel.size() != sizeBytes) {
          throw mismatch(path, "it is changing");
        }
        return Channels.newInputStream(channel);
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot open /" + path, e);
    }
  }

  @Override
  public void check(LayerPath path, long sizeBytes) throws LayerStoreException {
    try {
      find(path, sizeBytes);
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot look at /" + path, e);
    }
  }

  @Override
  public boolean exists(LayerPath path) throws LayerStoreException {
    if (isClosed) {
      throw new IllegalStateException("the files of the layer are closed");
    }
    try {
      TreePosition parent = path.isRoot() ? null : walker.goTo(path.parent());
      return path.isRoot() || (parent != null && parent.directory().look(path.name()) != null);
    } catch (LayerVerificationException e) {
      return true; // Something above it is no directory: a later entry of the archive may be there.
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot look at /" + path, e);
    }
  }

  /** The directory of a file that is as it must be. */
  private Directory find(LayerPath path, long sizeBytes) throws IOException {
    if (isClosed) {
      throw new IllegalStateException("the files of the layer are closed");
    }
    if (path.isRoot()) {
      throw mismatch(path, "it is a directory");
    }
    TreePosition parent = walker.goTo(path.parent());
    Look look = parent == null ? null : parent.directory().look(path.name());
    if (parent == null || look == null) {
      throw mismatch(path, "it is missing");
    }
    Directory directory = parent.directory();
    if (!look.isFile() || isPlaceholder(directory, parent.path().resolve(path.name()))) {
      throw mismatch(path, "it is not a regular file");
    }
    if (look.sizeBytes() != sizeBytes) {
      throw mismatch(path, "it has " + look.sizeBytes() + " bytes and not " + sizeBytes);
    }
    return directory;
  }

  private boolean isPlaceholder(Directory directory, LayerPath real) throws IOException {
    AttributeRecord record = records.recorded(real);
    if (record == null || !record.isPlaceholder()) {
      return false;
    }
    Path file = directory.path(real.name());
    DiskEntry disk = layer.volume().read(file, layer.id(), real);
    TrueEntry entry = layer.read(file, real, disk, records);
    return entry == null || entry.type() != EntryType.FILE;
  }

  private static LayerVerificationException mismatch(LayerPath path, String problem) {
    return new LayerVerificationException(
        "/" + path + " is not as in the archive of its layer: " + problem, path.toString(), null);
  }

  @Override
  public void close() throws LayerStoreException {
    if (isClosed) {
      return;
    }
    isClosed = true;
    try {
      Closing.all(records, walker);
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot close", e);
    }
  }

  private final class GetterGuide implements InRootWalker.Guide {

    @Override
    public boolean makeDirectory(TreePosition position, ByteString name) {
      return false;
    }

    @Override
    public @Nullable ByteString linkText(Directory directory, LayerPath path, Look look)
        throws IOException {
      return layer.linkText(directory, path, look, records);
    }

    @Override
    public LayerStoreException breakout(LayerPath path) {
      return mismatch(path, "the way to it leaves the layer");
    }

    @Override
    public LayerStoreException noWay(LayerPath path, String problem) {
      return mismatch(path, problem);
    }
  }
}
