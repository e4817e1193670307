package io.layerstore.core.view;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerPath;
import io.layerstore.core.tar.ExpandedContent;
import io.layerstore.spi.FileContent.Extent;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A layer whose archive can be read at any place.
 *
 * @param diffId its content
 * @param chainId its content and that of the layers below
 * @param archive opens the archive, uncompressed
 */
public record ArchivedLayer(DiffId diffId, ChainId chainId, Archive archive) {

  /** An archive. */
  @FunctionalInterface
  public interface Archive {
    /** A new stream from its beginning, which is good at skipping; closed by the caller. */
    InputStream open() throws IOException;
  }

  /** The files of a layer where they are in its archive. */
  static final class Contents implements LayerContents {

    private final ArchivedLayer.Archive archive;

    /** The maps of files with holes, by their place. */
    private final Map<Long, List<Extent>> maps = new HashMap<>();

    Contents(ArchivedLayer.Archive archive) {
      this.archive = archive;
    }

    /** Notes where the parts of a file with holes belong. */
    void addMap(long place, List<Extent> extents) {
      maps.put(place, extents);
    }

    @Override
    public InputStream open(LayerPath path, int node, long sizeBytes, long place, long from)
        throws IOException {
      InputStream content = archive.open();
      try {
        content.skipNBytes(place);
        List<Extent> extents = maps.get(place);
        if (extents != null) {
          content = new ExpandedContent(content, extents, sizeBytes);
        }
        content.skipNBytes(from);
        return content;
      } catch (IOException | RuntimeException e) {
        content.close();
        throw e;
      }
    }

    @Override
    public boolean isByPath() {
      return false;
    }

    @Override
    public void close() {}
  }
}
