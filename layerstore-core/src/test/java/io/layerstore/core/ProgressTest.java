package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.CommitImageOptions;
import io.layerstore.Compression;
import io.layerstore.DiffId;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.ImportOptions;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LoadOptions;
import io.layerstore.Progress;
import io.layerstore.Progress.Kind;
import io.layerstore.Progress.LayerProgress;
import io.layerstore.Progress.Phase;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.SaveOptions;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.TarBuilder;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the store's listener hears of every long operation. */
final class ProgressTest {

  private final FileSystem files = Jimfs.newFileSystem(Configuration.unix());
  private final Path directory = files.getPath("/progress");
  private final List<Progress> told = Collections.synchronizedList(new ArrayList<>());
  private LayerStore store;

  @BeforeEach
  void open() throws IOException {
    store = LayerStore.builder(directory.resolve("root")).progress(told::add).open();
  }

  @AfterEach
  void close() throws IOException {
    store.close();
    files.close();
  }

  private static byte[] tar(String name) {
    return new TarBuilder().file(name, name).end().toBytes();
  }

  /** One operation of that kind, phases in order and ending with done, counts never going back. */
  private void assertOneOperation(Kind kind) {
    assertEquals(1, told.stream().map(Progress::operation).distinct().count(), told.toString());
    assertEquals(kind, told.get(0).operation().kind());
    List<Phase> phases = told.stream().map(Progress::phase).toList();
    assertEquals(phases.stream().sorted().toList(), phases);
    assertEquals(Phase.DONE, phases.get(phases.size() - 1));
    List<Long> bytes = told.stream().map(Progress::bytes).toList();
    assertEquals(bytes.stream().sorted().toList(), bytes);
    List<Long> entries = told.stream().map(Progress::entries).toList();
    assertEquals(entries.stream().sorted().toList(), entries);
  }

  private Set<DiffId> layersTold() {
    return told.stream()
        .flatMap(progress -> progress.layer().stream())
        .flatMap(layer -> layer.diffId().stream())
        .collect(Collectors.toSet());
  }

  private Set<String> imagesTold() {
    return told.stream().flatMap(progress -> progress.image().stream()).collect(Collectors.toSet());
  }

  @Test
  void register_layerIsKnownAtTheEnd() throws IOException {
    try (Layer layer = store.register(LayerSource.of(tar("a")), RegisterOptions.DEFAULT)) {
      assertOneOperation(Kind.REGISTER);
      LayerProgress last = told.get(told.size() - 1).layer().orElseThrow();
      assertEquals(Optional.of(layer.diffId()), last.diffId());
      assertEquals(Optional.empty(), told.get(0).layer().orElseThrow().diffId());
    }
  }

  @Test
  void register_twice_twoOperations() throws IOException {
    store.register(LayerSource.of(tar("a")), RegisterOptions.DEFAULT).close();
    store.register(LayerSource.of(tar("b")), RegisterOptions.DEFAULT).close();
    assertNotEquals(told.get(0).operation(), told.get(told.size() - 1).operation());
  }

  @Test
  void commit_noListenerOfItsOwn_tellsTheStores() throws IOException {
    try (RWLayer rw = store.createRWLayer("rw");
        Layer layer = rw.commit()) {
      assertOneOperation(Kind.COMMIT);
      assertEquals(Set.of(layer.diffId()), layersTold());
    }
  }

  @Test
  void applyDiff_isAnOperation() throws IOException {
    try (RWLayer rw = store.createRWLayer("rw")) {
      rw.applyDiff(new ByteArrayInputStream(tar("a")));
      assertOneOperation(Kind.APPLY);
    }
  }

  @Test
  void commitImage_noListenerOfItsOwn_tellsTheStoresWhichImage() throws IOException {
    try (RWLayer rw = store.createRWLayer("rw")) {
      rw.applyDiff(new ByteArrayInputStream(tar("a")));
      told.clear();
      ImageReference tag = ImageReference.parse("made:1");
      store.images().commit(rw, CommitImageOptions.builder().reference(tag).build());
      assertOneOperation(Kind.COMMIT);
      assertEquals(Set.of("made:1"), imagesTold());
    }
  }

  @Test
  void importRootFs_noListenerOfItsOwn_tellsTheStoresWhichImage() throws IOException {
    ImportOptions options =
        ImportOptions.builder().reference(ImageReference.parse("made:1")).build();
    store.images().importRootFs(LayerSource.of(tar("a")), options);
    assertOneOperation(Kind.IMPORT);
    assertEquals(Set.of("made:1"), imagesTold());
  }

  @Test
  void load_file_tellsEveryLayerAndItsImage() throws IOException {
    SampleImage image = SampleImage.small("a", 4);
    load(ImageSource.of(archive(image)));
    assertOneOperation(Kind.LOAD);
    assertEquals(Set.copyOf(image.diffIds()), layersTold());
    assertEquals(Set.of("demo:1"), imagesTold());
    Progress last = told.get(told.size() - 1);
    assertEquals(last.totalBytes().orElseThrow(), last.bytes());
  }

  @Test
  void load_compressedStream_countsNeverGoBack() throws IOException {
    SampleImage image = SampleImage.small("a", 4);
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(compressed)) {
      Files.copy(archive(image), gzip);
    }
    load(ImageSource.of(new ByteArrayInputStream(compressed.toByteArray())));
    assertOneOperation(Kind.LOAD);
    assertEquals(Set.copyOf(image.diffIds()), layersTold());
  }

  @ParameterizedTest
  @EnumSource(Compression.class)
  void save_writes_andTellsEveryLayer(Compression compression) throws IOException {
    SampleImage image = SampleImage.small("a", 3);
    load(ImageSource.of(archive(image)));
    told.clear();
    store
        .images()
        .save(
            List.of("demo:1"),
            ImageTarget.stream(new ByteArrayOutputStream()),
            SaveOptions.builder().compression(compression).build());
    assertOneOperation(Kind.SAVE);
    Set<Phase> phases = told.stream().map(Progress::phase).collect(Collectors.toSet());
    assertTrue(phases.contains(Phase.WRITING), phases.toString());
    assertEquals(compression != Compression.NONE, phases.contains(Phase.COMPRESSING));
    assertEquals(Set.copyOf(image.diffIds()), layersTold());
    assertEquals(Set.of("demo:1"), imagesTold());
  }

  private Path archive(SampleImage image) throws IOException {
    return ImageFiles.docker(List.of(image), ImageFiles.item(image, "demo:1"))
        .writeTar(directory.resolve("archive.tar"));
  }

  private void load(ImageSource source) throws IOException {
    store.images().load(source, LoadOptions.DEFAULT);
  }
}
