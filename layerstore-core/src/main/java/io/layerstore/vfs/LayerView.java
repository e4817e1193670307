package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.Look;
import io.layerstore.driver.rooted.TreeView;
import io.layerstore.spi.EntryType;
import io.layerstore.vfs.record.AttributeRecords;
import io.layerstore.vfs.record.TrueEntry;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The files of a mounted layer by their true names, and as what they truly are: a link that is in a
 * file is a link, and what stands for a device is no file to open.
 *
 * <p>Not safe for use by many threads.
 */
final class LayerView implements TreeView {

  private final LayerFiles layer;
  private final AttributeRecords records;

  LayerView(LayerFiles layer) throws IOException {
    this.layer = layer;
    this.records = layer.openRecords();
  }

  @Override
  public Directory openRoot() throws IOException {
    return layer.open();
  }

  @Override
  public @Nullable Look look(Directory directory, LayerPath path) throws IOException {
    Look look = directory.look(path.name());
    if (look == null || !look.isFile() || records == AttributeRecords.NONE) {
      return look;
    }
    Path file = directory.path(path.name());
    TrueEntry entry;
    try {
      entry = layer.read(file, path, layer.volume().read(file, layer.id(), path), records);
    } catch (NoSuchFileException e) {
      return null;
    }
    if (entry == null || entry.type() == EntryType.FILE) {
      return look;
    }
    return look.as(entry.type() == EntryType.SYMLINK ? Look.Kind.SYMLINK : Look.Kind.OTHER);
  }

  @Override
  public ByteString readLink(Directory directory, LayerPath path) throws IOException {
    Look look = directory.look(path.name());
    ByteString text = look == null ? null : layer.linkText(directory, path, look, records);
    if (text == null) {
      throw new NotLinkException(directory.path(path.name()).toString());
    }
    return text;
  }

  @Override
  public void close() throws IOException {
    records.close();
  }
}
