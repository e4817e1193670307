package io.layerstore.core.tarsplit;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.spi.FileGetter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether the files of a layer have the types and sizes that its tar-split document says,
 * without reading them.
 */
public final class QuickCheck {

  private QuickCheck() {}

  /** Opens the files of the layer. */
  @FunctionalInterface
  public interface Files {
    /** Opens them. */
    FileGetter open() throws LayerStoreException;
  }

  /**
   * Looks at the files of every entry of {@code document}.
   *
   * @param document the tar-split document, already decompressed; read up to the end of its last
   *     entry at least, and closed
   * @param documentFile the name of the file it comes from, for messages
   * @param files only opened if there is a file with content
   * @throws StoreCorruptedException if the document is damaged
   * @throws io.layerstore.LayerVerificationException if a file is missing, no regular file, or of
   *     another size
   */
  public static void run(InputStream document, String documentFile, Files files)
      throws IOException {
    try (EntryReader entries = new EntryReader(document, documentFile);
        Looker looker = new Looker(documentFile, files)) {
      for (Entry entry = entries.next(); entry != null; entry = entries.next()) {
        if (entry instanceof FileEntry file && file.sizeBytes() > 0) {
          looker.look(file);
        }
      }
      // What follows the last entry, so that the checksum of the whole is compared.
      document.transferTo(OutputStream.nullOutputStream());
    }
  }

  private static final class Looker implements AutoCloseable {
    private final String documentFile;
    private final Files files;
    private @Nullable FileGetter getter;

    Looker(String documentFile, Files files) {
      this.documentFile = documentFile;
      this.files = files;
    }

    void look(FileEntry file) throws LayerStoreException {
      LayerPath path = EntryNames.toPath(file.name());
      if (path == null || path.isRoot()) {
        throw new StoreCorruptedException(
            documentFile, "the name \"" + file.name() + "\" is not that of a file in the layer");
      }
      FileGetter open = getter;
      if (open == null) {
        open = files.open();
        getter = open;
      }
      open.check(path, file.sizeBytes());
    }

    @Override
    public void close() throws LayerStoreException {
      if (getter != null) {
        getter.close();
      }
    }
  }
}
