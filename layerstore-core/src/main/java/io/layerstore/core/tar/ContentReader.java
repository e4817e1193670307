package io.layerstore.core.tar;

import static java.util.Objects.requireNonNull;

import io.layerstore.ByteString;
import io.layerstore.EntryOptions;
import io.layerstore.LayerContent;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.driver.FileFailures;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeReader;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Gives out what an application has put together as the tree of a layer. */
public final class ContentReader implements TreeReader {

  private final Iterator<LayerContent.Entry> entries;
  private LayerContent.@Nullable Entry current;

  /** Reads {@code entries}, which are in the order of an archive. */
  public ContentReader(List<LayerContent.Entry> entries) {
    this.entries = entries.iterator();
  }

  @Override
  public @Nullable TreeEntry next() {
    if (!entries.hasNext()) {
      return null;
    }
    LayerContent.Entry entry = entries.next();
    current = entry;
    LayerPath path = entry.path();
    Attributes attributes = attributes(entry.options());
    return switch (entry.kind()) {
      case DIRECTORY -> TreeEntry.directory(path, attributes);
      case FILE -> TreeEntry.file(path, attributes, entry.sizeBytes());
      case SYMLINK -> TreeEntry.symlink(path, attributes, requireNonNull(entry.target()));
      case WHITEOUT -> TreeEntry.whiteout(path, attributes);
      case OPAQUE -> TreeEntry.opaque(path, attributes);
    };
  }

  private static Attributes attributes(EntryOptions options) {
    List<Xattr> xattrs = new ArrayList<>();
    options
        .extendedAttributes()
        .forEach((name, value) -> xattrs.add(new Xattr(ByteString.utf8(name), value)));
    return new Attributes(
        options.mode().orElseThrow(),
        options.uid(),
        options.gid(),
        options.modified(),
        options.modified(),
        xattrs);
  }

  @Override
  public InputStream content() throws LayerStoreException {
    LayerContent.Entry entry = requireNonNull(current, "no entry yet");
    try {
      return requireNonNull(entry.content(), "not a file").open();
    } catch (IOException e) {
      throw new LayerStoreException(
          "cannot read what is to be /" + entry.path() + ": " + FileFailures.describe(e), e);
    }
  }

  @Override
  public void close() {}
}
