package io.layerstore.registry;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Durability;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.PullOptions;
import io.layerstore.PushOptions;
import io.layerstore.RegistryOptions;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How many requests pulls and pushes make, as a function of layers. Counted, never timed. */
final class RoundTripsTest {

  private static final int FEW = 2;
  private static final int MANY = 20;

  @TempDir private Path directory;
  private FakeRegistry registry;
  private RegistryOptions options;
  private LayerStore source;
  private LayerStore target;

  @BeforeEach
  void start() throws Exception {
    registry = FakeRegistry.start();
    options =
        RegistryOptions.builder()
            .environment(Map.of())
            .systemDirectory(directory.resolve("etc"))
            .build();
    source = open("source");
    target = open("target");
    for (int layers : new int[] {FEW, MANY}) {
      source
          .images()
          .load(
              ImageSource.of(
                  ImageFiles.docker(SampleImage.small("of" + layers, layers), name(layers))
                      .smallFirst()
                      .toStream()),
              LoadOptions.DEFAULT);
    }
  }

  @AfterEach
  void end() throws Exception {
    source.close();
    target.close();
    registry.close();
  }

  private LayerStore open(String name) throws LayerStoreException {
    return LayerStore.builder(directory.resolve(name))
        .driver("vfs")
        .durability(Durability.NONE)
        .open();
  }

  private static String name(int layers) {
    return "of" + layers + ":1";
  }

  private ImageReference reference(int layers) {
    return ImageReference.parse(registry.address() + "/some/image:" + layers);
  }

  /** Something that asks the registry. */
  @FunctionalInterface
  private interface Operation {
    void run() throws IOException;
  }

  /** How often each method was used, with {@code all} for the sum. */
  private Map<String, Integer> requestsOf(Operation operation) throws IOException {
    int before = registry.requests().size();
    operation.run();
    Map<String, Integer> counts = new TreeMap<>();
    registry.requests().subList(before, registry.requests().size()).stream()
        .map(FakeRegistry.Request::method)
        .forEach(
            method -> {
              counts.merge(method, 1, Integer::sum);
              counts.merge("all", 1, Integer::sum);
            });
    return counts;
  }

  private void push(int layers) throws LayerStoreException {
    PushOptions pushing = PushOptions.builder().registry(options).build();
    source.images().push(name(layers), reference(layers), pushing);
  }

  private void pull(int layers) throws LayerStoreException {
    target.images().pull(reference(layers), PullOptions.builder().registry(options).build());
  }

  /** For each blob, the configuration among them, and for finding out how to ask. */
  private static void assertAtMost(
      int forEachBlob, int besides, int layers, Map<String, Integer> requests) {
    int most = forEachBlob * (layers + 1) + besides;
    assertTrue(requests.getOrDefault("all", 0) <= most, () -> requests + ", at most " + most);
  }

  @Test
  void push_newLayers_isOneUploadForEachInThreeSteps() throws IOException {
    for (int layers : new int[] {FEW, MANY}) {
      assertAtMost(3, 8, layers, requestsOf(() -> push(layers)));
    }
  }

  @Test
  void push_layersThatAreThere_isTwoLooksForEach() throws IOException {
    for (int layers : new int[] {FEW, MANY}) {
      push(layers);
      assertAtMost(2, 5, layers, requestsOf(() -> push(layers)));
    }
  }

  @Test
  void pull_newLayers_isOneRequestForEachAndTwoMore() throws IOException {
    for (int layers : new int[] {FEW, MANY}) {
      push(layers);
      assertAtMost(1, 2, layers, requestsOf(() -> pull(layers)));
    }
  }

  @Test
  void pull_imageThatIsThere_asksForNoLayer() throws IOException {
    push(MANY);
    pull(MANY);
    assertAtMost(0, 3, MANY, requestsOf(() -> pull(MANY)));
  }

  @Test
  void remote_manyLayers_asksForNone() throws IOException {
    push(MANY);
    assertAtMost(0, 3, MANY, requestsOf(() -> source.images().remote(reference(MANY), options)));
  }
}
