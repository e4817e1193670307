package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.driver.NaiveDiff;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import io.layerstore.spi.WriteContext;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * A program that makes a layer of many files, a child of it, and their difference; for a virtual
 * machine with little memory.
 */
final class LargeLayer {

  private LargeLayer() {}

  /**
   * Takes the root of the store, the number of files, how many are in one directory, and whether
   * each needs a record.
   */
  public static void main(String[] arguments) throws IOException {
    int files = Integer.parseInt(arguments[1]);
    int perDirectory = Integer.parseInt(arguments[2]);
    long start = System.nanoTime();
    try (GraphDriver driver = VfsTesting.open(Path.of(arguments[0]))) {
      driver.create("a", null, CreateOptions.DEFAULT);
      write(driver, files, perDirectory, Boolean.parseBoolean(arguments[3]));
      report("written", start);
      driver.create("b", "a", CreateOptions.DEFAULT);
      report("copied", start);
      System.out.println(NaiveDiff.of(driver, "b", "a").changes().count() + " changes");
      report("compared", start);
      driver.remove("a");
      driver.remove("b");
      report("removed", start);
    }
  }

  private static void write(GraphDriver driver, int files, int perDirectory, boolean isRecorded)
      throws IOException {
    Xattr xattr = new Xattr(ByteString.utf8("trusted.x"), ByteString.of(new byte[20]));
    Attributes attributes =
        Attributes.of(0644, Instant.ofEpochSecond(1_600_000_000))
            .withOwner(1000, 1000)
            .withXattrs(isRecorded ? List.of(xattr) : List.of());
    try (TreeWriter writer = driver.openWriter("a", null, new Forgetful())) {
      for (int i = 0; i < files; i++) {
        // In an order that is not that of the names.
        int shuffled = (int) (i * 7919L % files);
        String directory = "directory-" + shuffled / perDirectory;
        LayerPath path = LayerPath.of(directory + "/file-" + shuffled);
        writer.write(
            TreeEntry.file(path, attributes, 0),
            FileContent.dense(InputStream.nullInputStream(), 0));
      }
      writer.finish(0);
    }
  }

  /** Nothing was written, as far as this knows; the paths would be what takes the memory. */
  private static final class Forgetful implements WriteContext {
    @Override
    public boolean isWritten(LayerPath realPath) {
      return false;
    }

    @Override
    public void wroteThroughLink(LayerPath path, LayerPath realPath, long sizeBytes) {}

    @Override
    public void destroying(LayerPath realPath, long sizeBytes, InputStream content) {}

    @Override
    public void redirecting(LayerPath realPath) {}

    @Override
    public void warn(LayerPath path, String reason) {}
  }

  private static void report(String what, long start) {
    System.out.println(what + " after " + (System.nanoTime() - start) / 1_000_000 + " ms");
  }
}
