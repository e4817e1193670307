import io.layerstore.LayerStore;
import io.layerstore.ViewOptions;
import java.io.InputStream;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.stream.Stream;

/**
 * What an image shown as a file system costs in a warm JVM: {@code ROOT IMAGE [ROUNDS]} prints the
 * medians of opening it, of walking through it with attributes, of finding every jar, opening
 * included, and of reading all files with and without their checksums.
 *
 * <pre>{@code java -cp layerstore-cli/target/layerstore.jar benchmarks/ImageFiles.java ROOT IMAGE}</pre>
 */
public final class ImageFiles {
  private static long entries;
  private static long bytes;

  private ImageFiles() {}

  private interface Work {
    void run() throws IOException;
  }

  public static void main(String[] arguments) throws IOException {
    String image = arguments[1];
    int rounds = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 7;
    try (LayerStore store = LayerStore.builder(Path.of(arguments[0])).readOnly(true).open()) {
      long open = median(rounds * 3, () -> store.images().fileSystem(image).close());
      System.out.printf("open            %8.1f ms%n", open / 1e6);
      long jars = median(rounds, () -> findJars(store, image));
      System.out.printf("find every jar  %8.1f ms%n", jars / 1e6);
      try (FileSystem files = store.images().fileSystem(image)) {
        long walk = median(rounds * 3, () -> walk(files));
        System.out.printf(
            "walk            %8.1f ms, %d entries, %.0f entries a second%n",
            walk / 1e6, entries, entries * 1e9 / walk);
      }
      for (boolean verify : new boolean[] {true, false}) {
        ViewOptions options = ViewOptions.builder().verify(verify).build();
        try (FileSystem files = store.images().fileSystem(image, options)) {
          long read = median(Math.max(1, rounds / 2), () -> readAll(files));
          System.out.printf(
              "read all%s %8.1f ms, %.0f MB, %.0f MB/s%n",
              verify ? ", check" : "       ", read / 1e6, bytes / 1e6, bytes * 1e3 / read);
        }
      }
    }
  }

  private static long median(int rounds, Work work) throws IOException {
    work.run();
    long[] times = new long[rounds];
    for (int i = 0; i < rounds; i++) {
      long start = System.nanoTime();
      work.run();
      times[i] = System.nanoTime() - start;
    }
    Arrays.sort(times);
    return times[rounds / 2];
  }

  private static void findJars(LayerStore store, String image) throws IOException {
    try (FileSystem files = store.images().fileSystem(image);
        Stream<Path> all = Files.walk(files.getPath("/"))) {
      entries = all.filter(path -> path.toString().endsWith(".jar")).count();
    }
  }

  private static void walk(FileSystem files) throws IOException {
    entries = 0;
    Files.walkFileTree(
        files.getPath("/"),
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            entries++;
            bytes += attributes.size();
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static void readAll(FileSystem files) throws IOException {
    bytes = 0;
    byte[] buffer = new byte[1 << 16];
    Files.walkFileTree(
        files.getPath("/"),
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (attributes.isRegularFile()) {
              try (InputStream in = Files.newInputStream(file)) {
                for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                  bytes += count;
                }
              }
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
