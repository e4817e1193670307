package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.RWLayerInfo;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Eight processes do everything at random on one root, and are killed and stopped at random; what
 * was acknowledged must be there at the end, and nothing else.
 *
 * <p>{@code -Dlayerstore.kills=1000} runs it at length; a few are killed unless it says otherwise.
 * {@code -Dlayerstore.seed} repeats a run as far as processes that race can be repeated.
 */
public abstract class SharingContract {

  private static final int PROCESSES = 8;
  private static final int MAX_STEPS = 20;
  private static final int KILLS = Integer.getInteger("layerstore.kills", 6);

  @TempDir Path place;

  private final Random random = new Random(Long.getLong("layerstore.seed", System.nanoTime()));

  private int started;

  /** For a subclass for each driver. */
  protected SharingContract() {}

  /** The name of the driver under test. */
  protected abstract String driver();

  /** The names of what the driver keeps for layers. */
  protected abstract Set<String> driverDirectories(Path root) throws IOException;

  private record Worker(String name, Process process, BufferedReader out) {}

  private Worker start() throws IOException {
    String name = "w" + started++;
    Process process =
        ChildJvm.start(
            SharingWorker.class,
            place.resolve("root"),
            driver(),
            place.resolve("journals"),
            name,
            random.nextLong());
    return new Worker(
        name,
        process,
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)));
  }

  private static void kill(Worker worker) throws InterruptedException {
    worker.process().destroyForcibly().waitFor();
  }

  private static void signal(Worker worker, String signal)
      throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + signal, Long.toString(worker.process().pid()))
        .start()
        .waitFor();
  }

  @Test
  void manyProcesses_killedAndStopped_keepWhatTheyAcknowledged() throws Exception {
    Files.createDirectory(place.resolve("root"));
    Files.createDirectory(place.resolve("journals"));
    List<Worker> workers = new ArrayList<>();
    try {
      for (int i = 0; i < PROCESSES; i++) {
        workers.add(start());
      }
      for (int kills = 0; kills < KILLS; kills++) {
        int index = random.nextInt(workers.size());
        Worker victim = workers.get(index);
        // One that is open and has done something, so that there is something to kill.
        assertEquals("open", victim.out().readLine(), victim.name());
        for (int steps = random.nextInt(MAX_STEPS); steps > 0; steps--) {
          assertEquals("step", victim.out().readLine(), victim.name());
        }
        if (random.nextBoolean()) {
          signal(victim, "STOP");
          Worker other = workers.get(random.nextInt(workers.size()));
          if (!other.equals(victim)) {
            kill(other);
            workers.set(workers.indexOf(other), start());
            kills++;
          }
          signal(victim, "CONT");
        }
        kill(victim);
        workers.set(index, start());
      }
      for (Worker worker : workers) {
        assertEquals("open", worker.out().readLine(), worker.name());
      }
      for (Worker worker : workers) {
        worker.process().getOutputStream().close();
      }
      for (Worker worker : workers) {
        String line = worker.out().readLine();
        while ("step".equals(line)) {
          line = worker.out().readLine();
        }
        assertEquals("closed", line, worker.name());
        assertEquals(0, worker.process().waitFor());
      }
    } finally {
      for (Worker worker : workers) {
        kill(worker);
      }
    }
    assertEquals("", read("failures"));
    assertEquals(List.of(), mountsBelow(place.resolve("root")));
    checkStore();
  }

  /** Where processes of root leave them; what an ordinary user mounts ends with its process. */
  private static List<String> mountsBelow(Path root) throws IOException {
    Path table = Path.of("/proc/self/mountinfo");
    return Files.exists(table)
        ? Files.readAllLines(table, StandardCharsets.ISO_8859_1).stream()
            .filter(line -> line.contains(" " + root + "/"))
            .toList()
        : List.of();
  }

  private String read(String journal) throws IOException {
    try {
      return Files.readString(place.resolve("journals").resolve(journal));
    } catch (NoSuchFileException e) {
      return "";
    }
  }

  private void checkStore() throws IOException {
    Path root = place.resolve("root");
    try (LayerStore store = LayerStore.builder(root).driver(driver()).exclusive().open()) {
      for (LayerInfo info : store.layers()) {
        try (Layer layer = store.get(info.chainId());
            InputStream archive = layer.tarStream()) {
          archive.transferTo(OutputStream.nullOutputStream());
        }
        assertEquals(0, info.usage().otherHolders().size());
      }
      for (int i = 0; i < started; i++) {
        checkImages(store, "images-w" + i);
      }
      Set<String> expected = new TreeSet<>();
      store.layers().forEach(layer -> expected.add(layer.cacheId()));
      for (RWLayerInfo layer : store.rwLayers()) {
        expected.add(layer.mountId());
        layer.initId().ifPresent(expected::add);
      }
      assertEquals(expected, driverDirectories(root));
      try (Stream<Path> left = Files.list(root.resolve("image/" + driver() + "/layerdb/tmp"))) {
        assertEquals(List.of(), left.toList());
      }
    }
    assertTrue(Files.notExists(root.resolve("layerstore")), "something is left of the sharing");
  }

  private void checkImages(LayerStore store, String journal) throws IOException {
    Map<String, String> expected = new HashMap<>();
    for (String line : read(journal).lines().toList()) {
      String[] words = line.split(" ", -1);
      if (words[0].equals("+")) {
        expected.put(words[1], words[2]);
      } else {
        expected.remove(words[1]);
      }
    }
    for (Map.Entry<String, String> entry : expected.entrySet()) {
      ImageId id =
          store
              .images()
              .references()
              .find(ImageReference.parse(entry.getKey()))
              .orElseThrow(() -> new AssertionError("the name " + entry.getKey() + " is lost"));
      assertEquals(entry.getValue(), id.toString());
      store.images().get(id);
    }
  }
}
