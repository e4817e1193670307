package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.LayerStore;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.Heavy;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Twenty command lines that are started together on a root that is not there yet. */
@Heavy
final class ManyCommandsTest {

  private static final int COMMANDS = 20;

  @TempDir private Path place;

  private Path layer(String name) throws IOException {
    Path file = place.resolve(name + ".tar");
    return Files.write(file, new TarBuilder().file("f", name.repeat(50_000)).end().toBytes());
  }

  private Process start(Object... arguments) throws IOException {
    List<Object> all = new ArrayList<>(List.of("--root", place.resolve("root"), "--driver", "vfs"));
    all.addAll(List.of(arguments));
    Process process = ChildJvm.start(Main.class, all.toArray());
    process.getOutputStream().close();
    return process;
  }

  private static void expectSuccess(List<Process> processes) throws Exception {
    List<Integer> statuses = new ArrayList<>();
    for (Process process : processes) {
      process.getInputStream().transferTo(OutputStream.nullOutputStream());
      statuses.add(process.waitFor());
    }
    assertEquals(Collections.nCopies(processes.size(), 0), statuses);
  }

  @Test
  void register_theSameAndADifferentLayerEach_allSucceed() throws Exception {
    Path same = layer("same");
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < COMMANDS / 2; i++) {
      processes.add(start("register", same));
      processes.add(start("register", layer("layer" + i)));
    }

    expectSuccess(processes);
    try (LayerStore store = LayerStore.open(place.resolve("root"))) {
      assertEquals(COMMANDS / 2 + 1, store.layers().size());
    }
  }

  @Test
  void load_theSameImage_allSucceed() throws Exception {
    Path image = Files.write(place.resolve("image.tar"), Sample.image());
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < COMMANDS; i++) {
      processes.add(start("load", image));
    }

    expectSuccess(processes);
    try (LayerStore store = LayerStore.open(place.resolve("root"))) {
      assertEquals(1, store.images().list().size());
    }
  }
}
