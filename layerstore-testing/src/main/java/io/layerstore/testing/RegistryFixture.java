package io.layerstore.testing;

import io.layerstore.Durability;
import io.layerstore.ImageReference;
import io.layerstore.ImportOptions;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Platform;
import io.layerstore.PullOptions;
import io.layerstore.PushOptions;
import io.layerstore.RegistryOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/** Docker's registry, running for the tests of a class, and stores to use it with. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class RegistryFixture {

  /** Nothing that the machine is set up with. */
  static final RegistryOptions ALONE =
      RegistryOptions.builder()
          .environment(Map.of())
          .systemDirectory(Path.of("/nonexistent"))
          .build();

  static final PullOptions PULL = PullOptions.builder().registry(ALONE).build();
  static final PushOptions PUSH = PushOptions.builder().registry(ALONE).build();

  final String driver;
  ScratchDirectory scratch;
  DockerRegistry registry;

  RegistryFixture(String driver) {
    this.driver = driver;
  }

  /** Skips the tests where a store in {@code directory} is not supported. */
  protected void assumeSupported(Path directory) {}

  @BeforeAll
  void startRegistry() throws Exception {
    scratch = ScratchDirectory.create();
    assumeSupported(scratch.path());
    registry = DockerRegistry.start(Files.createDirectory(scratch.resolve("registry")));
  }

  @AfterAll
  void endRegistry() throws Exception {
    if (registry != null) {
      registry.close();
    }
    if (scratch != null) {
      scratch.close();
    }
  }

  final LayerStore open(String directory) throws Exception {
    return LayerStore.builder(scratch.resolve(directory))
        .driver(driver)
        .durability(Durability.NONE)
        .open();
  }

  /** Makes an image for another platform than the others have; its ID. */
  static String importArm(LayerStore store, ImageReference reference) throws Exception {
    return store
        .images()
        .importRootFs(
            LayerSource.of(new TarBuilder().file("arm", "64").end().toBytes()),
            ImportOptions.builder()
                .reference(reference)
                .platform(Platform.of("arm64", "linux"))
                .build())
        .id()
        .toString();
  }
}
