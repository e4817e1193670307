package io.layerstore.vfs;

import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.opaque;
import static io.layerstore.vfs.VfsTesting.layer;
import static io.layerstore.vfs.VfsTesting.open;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.driver.TreeDeleter;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.WriteContext;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.Heavy;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.TreeChange;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layers that are large, deep, or made to take long. */
class VfsScaleTest {

  /** More than the files of a layer and its child take in memory. */
  private static final long MEMORY_BYTES = 1L << 30;

  @TempDir Path onDisk;

  @Nested
  class Memory {

    @Test
    void layerOfManyRecords_inAHeapTooSmallForThem_isWrittenCopiedAndCompared() throws Exception {
      assertWorks("-Xmx24m", 30_000, 1_000, true);
    }

    @Test
    @Heavy
    void layerOf200000Records_in64MiB_isWrittenCopiedAndCompared() throws Exception {
      assertWorks("-Xmx64m", 200_000, 1_000, true);
    }

    @Test
    @Heavy
    void directoryOf200000Files_in64MiB_isWrittenCopiedAndCompared() throws Exception {
      assertWorks("-Xmx64m", 200_000, 200_000, false);
    }

    private void assertWorks(String heap, int files, int perDirectory, boolean isRecorded)
        throws Exception {
      Path root = Files.createTempDirectory(quickDirectory(), "layerstore-scale");
      try {
        String out =
            ChildJvm.run(List.of(heap), LargeLayer.class, root, files, perDirectory, isRecorded)
                .text();
        assertTrue(out.contains("0 changes"), out);
        assertTrue(out.contains("removed"), out);
      } finally {
        TreeDeleter.delete(root);
      }
    }

    /**
     * What is claimed is about the heap. On a disk, the inodes of hundreds of thousands of files
     * take minutes, in which nothing of this library runs; a directory in memory takes seconds.
     */
    private Path quickDirectory() throws IOException {
      Path memory = Path.of("/dev/shm");
      return Files.isWritable(memory) && Files.getFileStore(memory).getUsableSpace() > MEMORY_BYTES
          ? memory
          : onDisk;
    }
  }

  @Nested
  class Depth {

    @Test
    void remove_treeDeeperThanAnyPath_removesItWithFewDescriptors() throws IOException {
      try (GraphDriver driver = open(onDisk)) {
        driver.create("a", null, CreateOptions.DEFAULT);
        Path top = onDisk.resolve("vfs/dir/a");
        makeDeep(top, 3000);
        driver.remove("a");
        assertFalse(driver.exists("a"));
      }
    }

    /** Makes nested directories by moving what there is into a new one, again and again. */
    private void makeDeep(Path top, int depth) throws IOException {
      Path nested = Files.createDirectory(onDisk.resolve("nested"));
      Files.writeString(nested.resolve("deepest"), "x");
      for (int i = 0; i < depth; i++) {
        Path outer = Files.createDirectory(onDisk.resolve("outer"));
        Files.move(nested, outer.resolve("nested"));
        Files.move(outer, nested);
      }
      Files.move(nested, top.resolve("nested"));
    }

    @Test
    void layer_of1000LevelsInMemory_isWrittenCopiedAndRemoved() throws IOException {
      FileSystem jimfs = MemoryFiles.unix();
      FaultyFileSystem watched = FaultyFileSystem.over(jimfs);
      Path root = watched.wrap(Files.createDirectory(jimfs.getPath("/root")));
      LayerPath path = LayerPath.of("a" + "/a".repeat(999));
      try (GraphDriver driver = open(root)) {
        layer(driver, "one", null, file(path, ByteString.utf8("x")));
        layer(driver, "two", "one", file("a/b", "y"));
        try (LayerTree tree = driver.tree("two")) {
          assertTrue(tree.find(path).isPresent());
          assertTrue(watched.openResources().size() < 64, "few directories are open");
          assertEquals("a", tree.list(path.parent()).get(0).entry().path().name().toString());
        }
        driver.remove("one");
        driver.remove("two");
        assertEquals(List.of(), driver.ids());
      }
    }
  }

  @Nested
  class Opaque {

    /** A marker in each of many nested directories must not walk all that is below every time. */
    @Test
    void write_markersInNestedDirectories_looksAtEveryFileAboutOnce() throws IOException {
      FileSystem jimfs = Jimfs.newFileSystem(Configuration.unix());
      Path root = Files.createDirectory(jimfs.getPath("/root"));
      CountingContext context = new CountingContext();
      int depth = 150;
      int filesPerLevel = 10;
      List<TreeChange> changes = new ArrayList<>();
      StringBuilder directory = new StringBuilder("d");
      for (int i = 0; i < depth; i++) {
        changes.add(dir(directory.toString()));
        for (int k = 0; k < filesPerLevel; k++) {
          changes.add(file(directory + "/f" + k, ""));
        }
        directory.append("/d");
      }
      // The worst order is from the deepest to the top.
      for (int i = depth; i > 0; i--) {
        changes.add(opaque("d" + "/d".repeat(i - 1)));
      }
      try (GraphDriver driver = open(root)) {
        driver.create("a", null, CreateOptions.DEFAULT);
        try (var writer = driver.openWriter("a", null, context)) {
          for (TreeChange change : changes) {
            change.writeTo(writer);
          }
          writer.finish(0);
        }
        assertTrue(context.asked < 4L * depth * (filesPerLevel + 1), context.asked + " questions");
      }
    }
  }

  /** Knows that all was written by this archive, and counts how often it is asked. */
  private static final class CountingContext implements WriteContext {
    private long asked;

    @Override
    public boolean isWritten(LayerPath realPath) {
      asked++;
      return true;
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
}
