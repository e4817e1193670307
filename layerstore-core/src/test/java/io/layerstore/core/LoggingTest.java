package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.CommitImageOptions;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LoadOptions;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the main flows tell the log, and Java Flight Recorder. */
final class LoggingTest {

  private static final String LEVEL = "-Dorg.slf4j.simpleLogger.defaultLogLevel=";

  /** One of everything that changes a store. */
  static final class EveryChange {

    private EveryChange() {}

    /** Does it in memory. */
    public static void main(String[] arguments) throws IOException {
      try (FileSystem files = Jimfs.newFileSystem(Configuration.unix())) {
        Path directory = files.getPath("/logging");
        try (LayerStore store = LayerStore.open(directory.resolve("root"))) {
          change(store, directory);
        }
      }
    }

    private static void change(LayerStore store, Path directory) throws IOException {
      byte[] tar = new TarBuilder().file("a", "a").end().toBytes();
      Layer base = store.register(LayerSource.of(tar), RegisterOptions.DEFAULT);
      RWLayer rw = store.createRWLayer("box", base.chainId());
      try (Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("b"), "b");
      }
      ImageReference tag = ImageReference.parse("made:1");
      Image made = store.images().commit(rw, CommitImageOptions.builder().reference(tag).build());
      store.releaseRWLayer(rw);
      store.images().delete(made.id(), true);
      store.release(base);
      SampleImage image = SampleImage.small("a", 2);
      Path archive =
          ImageFiles.docker(List.of(image), ImageFiles.item(image, "demo:1"))
              .writeTar(directory.resolve("archive.tar"));
      store.images().load(ImageSource.of(archive), LoadOptions.DEFAULT);
    }
  }

  /** What is registered with a warning. */
  static final class WarnedOf {

    private WarnedOf() {}

    /** Does it in memory. */
    public static void main(String[] arguments) throws IOException {
      byte[] tar = new TarBuilder().pax("SCHILY.xattr.plain", "x").file("a", "a").end().toBytes();
      try (FileSystem files = Jimfs.newFileSystem(Configuration.unix());
          LayerStore store = LayerStore.open(files.getPath("/root"));
          Layer base = store.register(LayerSource.of(tar), RegisterOptions.DEFAULT)) {
        store.register(LayerSource.of(tar), RegisterOptions.onTopOf(base.chainId())).close();
      }
    }
  }

  @Test
  void warn_attributeLeftOut_namesTheLayerAsItsUserDoes() throws IOException, InterruptedException {
    String log = ChildJvm.run(List.of(LEVEL + "warn"), WarnedOf.class).err();
    assertTrue(log.contains("new base layer: /a: "), log);
    assertTrue(log.contains("new layer on sha256:"), log);
  }

  private static String log(String level) throws IOException, InterruptedException {
    Tool.Result result = ChildJvm.run(List.of(LEVEL + level), EveryChange.class);
    return result.err();
  }

  @Test
  void info_everyChange_hasItsLine() throws IOException, InterruptedException {
    String log = log("info");
    for (String line :
        List.of(
            "registered layer sha256:",
            "created read-write layer box on sha256:",
            "added image sha256:",
            "made:1 now names image sha256:",
            "deleted read-write layer box",
            "deleted image sha256:",
            "deleted layer sha256:",
            "demo:1 now names image sha256:")) {
      assertTrue(log.contains(line), line + " is not in\n" + log);
    }
  }

  @Test
  void debug_mainFlows_noStackTraces() throws IOException, InterruptedException {
    String log = log("debug");
    assertTrue(log.contains("INFO"), log);
    assertFalse(log.contains("\tat "), log);
    assertFalse(log.contains("Exception"), log);
  }

  @Test
  void flightRecorder_mainFlows_haveTheirEvents(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("flight.jfr");
    try (Recording recording = new Recording()) {
      recording.start();
      EveryChange.main(new String[0]);
      recording.stop();
      recording.dump(file);
    }
    Map<String, List<RecordedEvent>> events =
        RecordingFile.readAllEvents(file).stream()
            .filter(event -> event.getEventType().getName().startsWith("io.layerstore."))
            .collect(Collectors.groupingBy(event -> event.getEventType().getName()));
    assertEquals(2, events.get("io.layerstore.Register").size());
    assertEquals(1, events.get("io.layerstore.Load").size());
    assertEquals(2, events.get("io.layerstore.Mount").size());
    assertEquals(3, events.get("io.layerstore.Sync").size());
    assertEquals("box", events.get("io.layerstore.Mount").get(0).getString("layer"));
  }
}
