package io.layerstore.core.view;

import io.layerstore.spi.EntryType;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.FileStoreAttributeView;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The layers that a file system shows, as where its files are. */
final class ViewStore extends FileStore {

  private static final Set<Class<?>> VIEWS =
      Set.of(
          BasicFileAttributeView.class,
          FileOwnerAttributeView.class,
          PosixFileAttributeView.class,
          UserDefinedFileAttributeView.class);

  private final ViewFileSystem fileSystem;
  private final String name;

  ViewStore(ViewFileSystem fileSystem, String name) {
    this.fileSystem = fileSystem;
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String type() {
    return ViewProvider.SCHEME;
  }

  @Override
  public boolean isReadOnly() {
    return true;
  }

  /** The lengths of all files of all layers, each once. */
  @Override
  public long getTotalSpace() throws IOException {
    Index index = fileSystem.all().index();
    long total = 0;
    for (int node = 0; node < index.nodeCount(); node++) {
      total += index.type(node) == EntryType.FILE ? index.size(node) : 0;
    }
    return total;
  }

  @Override
  public long getUsableSpace() {
    return 0;
  }

  @Override
  public long getUnallocatedSpace() {
    return 0;
  }

  @Override
  public boolean supportsFileAttributeView(Class<? extends FileAttributeView> type) {
    return VIEWS.contains(type);
  }

  @Override
  public boolean supportsFileAttributeView(String view) {
    return fileSystem.supportedFileAttributeViews().contains(view);
  }

  @Override
  public <V extends FileStoreAttributeView> @Nullable V getFileStoreAttributeView(Class<V> type) {
    return null;
  }

  @Override
  public Object getAttribute(String attribute) throws IOException {
    return switch (attribute) {
      case "totalSpace" -> getTotalSpace();
      case "usableSpace" -> getUsableSpace();
      case "unallocatedSpace" -> getUnallocatedSpace();
      default -> throw new UnsupportedOperationException("the attribute \"" + attribute + "\"");
    };
  }

  @Override
  public String toString() {
    return name;
  }
}
