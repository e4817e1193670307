import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.ImageSource;
import io.layerstore.LoadOptions;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A JVM that stays warm between measurements: does what a line on its standard input says, and
 * answers with the nanoseconds that it took.
 *
 * <pre>
 * open ROOT DURABILITY    opens a store
 * register ARCHIVE        puts a layer into it
 * layers COUNT            puts so many empty layers into it, one on the other, and a read-write layer "work" on top
 * mounts COUNT            mounts and unmounts "work" so many times
 * load ARCHIVE            loads an image archive into it
 * close                   closes the store
 * </pre>
 *
 * <p>Arguments are lines too; with any, it ends after the last of them.
 */
public final class WarmStore {

  private static final byte[] EMPTY_ARCHIVE = new byte[1024];

  private LayerStore store;

  private WarmStore() {}

  public static void main(String[] arguments) throws IOException {
    WarmStore warm = new WarmStore();
    for (String line : arguments) {
      warm.carryOut(line);
    }
    if (arguments.length > 0) {
      return;
    }
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      long start = System.nanoTime();
      warm.carryOut(line);
      System.out.println(System.nanoTime() - start);
    }
  }

  private void carryOut(String line) throws IOException {
    String[] words = line.split(" ", 3);
    switch (words[0]) {
      case "open" -> open(Path.of(words[1]), Durability.valueOf(words[2]));
      case "register" -> register(Path.of(words[1]));
      case "layers" -> layers(Integer.parseInt(words[1]));
      case "load" -> load(Path.of(words[1]));
      case "mounts" -> mounts(Integer.parseInt(words[1]));
      case "close" -> store.close();
      default -> throw new IllegalArgumentException(line);
    }
  }

  private void open(Path root, Durability durability) throws IOException {
    store = LayerStore.builder(root).driver("overlay2").durability(durability).open();
  }

  private void register(Path archive) throws IOException {
    store.register(LayerSource.of(archive), RegisterOptions.DEFAULT).close();
  }

  private void load(Path archive) throws IOException {
    store.images().load(ImageSource.of(archive), LoadOptions.DEFAULT);
  }

  private void layers(int count) throws IOException {
    ChainId top = null;
    for (int i = 0; i < count; i++) {
      try (Layer layer = store.register(new ByteArrayInputStream(EMPTY_ARCHIVE), top)) {
        top = layer.chainId();
      }
    }
    store.createRWLayer("work", top).close();
  }

  private void mounts(int count) throws IOException {
    try (RWLayer work = store.getRWLayer("work")) {
      for (int i = 0; i < count; i++) {
        work.mount().close();
      }
    }
  }
}
