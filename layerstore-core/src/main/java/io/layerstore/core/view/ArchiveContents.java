package io.layerstore.core.view;

import io.layerstore.LayerPath;
import io.layerstore.core.tar.ExpandedContent;
import io.layerstore.spi.FileContent.Extent;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The files of a layer where they are in its archive. */
final class ArchiveContents implements LayerContents {

  private final ArchivedLayer.Archive archive;

  /** The maps of files with holes, by their place. */
  private final Map<Long, List<Extent>> maps = new HashMap<>();

  ArchiveContents(ArchivedLayer.Archive archive) {
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
