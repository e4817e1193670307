package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayerInfo;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A process that has the root of each test open beside the test, if {@code -Dlayerstore.beside} is
 * {@code true}: contracts then show that what they say holds among processes too.
 *
 * <p>One for all tests of this virtual machine, since it takes longer to start one than to run a
 * test. It ends with its standard input.
 */
final class SecondProcess {

  private static final boolean IS_WANTED = Boolean.getBoolean("layerstore.beside");

  private static @Nullable SecondProcess running;

  private final BufferedReader out;
  private final Writer in;

  private SecondProcess() throws IOException {
    Process process = ChildJvm.start(SecondProcess.class);
    out = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
    in = process.outputWriter(UTF_8);
  }

  private synchronized String ask(String line) throws IOException {
    in.write(line + "\n");
    in.flush();
    String answer = out.readLine();
    if (answer == null || !answer.startsWith("done")) {
      throw new IOException("the second process answers to " + line + ": " + answer);
    }
    return answer;
  }

  private static synchronized SecondProcess get() throws IOException {
    SecondProcess process = running;
    if (process == null) {
      process = new SecondProcess();
      running = process;
    }
    return process;
  }

  private static boolean isBeside(Path root) {
    return IS_WANTED && root.getFileSystem() == FileSystems.getDefault();
  }

  /** Opens the root of an open store in the other process too, in place of the one before. */
  static void open(LayerStore store) throws IOException {
    if (isBeside(store.root())) {
      get().ask("open " + store.driverName() + " " + store.root());
    }
  }

  /** Fails unless the other process sees what {@code store} has. */
  static void expectTheSame(LayerStore store) throws IOException {
    if (isBeside(store.root())) {
      String seen = get().ask("list");
      if (!seen.equals(list(store))) {
        throw new AssertionError("the second process sees " + seen + " in place of " + list(store));
      }
    }
  }

  /** Lets the other process close the root. */
  static void close(Path root) throws IOException {
    if (isBeside(root)) {
      get().ask("close");
    }
  }

  private static String list(LayerStore store) throws LayerStoreException {
    return Stream.of(
            List.of("done"),
            store.layers().stream().map(LayerInfo::chainId).toList(),
            store.rwLayers().stream().map(RWLayerInfo::name).sorted().toList(),
            store.images().list(),
            List.of(store.images().references().list()))
        .map(List::toString)
        .collect(Collectors.joining(" "))
        .replaceFirst("\\[done\\]", "done");
  }

  /** Opens, lists and closes as its standard input says. */
  public static void main(String[] arguments) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    LayerStore store = null;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String answer = "done";
      try {
        String[] words = line.split(" ", 3);
        if (words[0].equals("list") && store != null) {
          answer = list(store);
        } else {
          if (store != null) {
            store.close();
            store = null;
          }
          if (words[0].equals("open")) {
            store = LayerStore.builder(Path.of(words[2])).driver(words[1]).open();
          }
        }
      } catch (LayerStoreException | RuntimeException e) {
        answer = "failed: " + e;
      }
      System.out.println(answer.replace('\n', ' '));
    }
  }
}
