package io.layerstore.core.image.archive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.Platform;
import io.layerstore.PruneOptions;
import io.layerstore.SaveOptions;
import io.layerstore.SaveReport;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Images that are one image for several platforms, and what is kept of their documents. */
final class SeveralPlatformsTest {

  private static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";
  private static final String INDEX = "application/vnd.oci.image.index.v1+json";
  private static final Platform ARM = Platform.of("arm64", "linux");
  private static final Platform S390 = Platform.of("s390x", "linux");
  private static final SampleImage AMD_IMAGE = imageFor("amd64");
  private static final SampleImage ARM_IMAGE = imageFor("arm64");
  private static final LoadOptions ALL =
      LoadOptions.builder().allPlatforms(true).platform(ARM).build();
  private static final SaveOptions SAVE_ALL =
      SaveOptions.builder().format(SaveOptions.Format.OCI).allPlatforms(true).build();

  private final FileSystem memory =
      Jimfs.newFileSystem(
          Configuration.unix().toBuilder()
              .setAttributeViews("basic", "owner", "posix", "unix", "user")
              .setBlockSize(512)
              .build());
  private LayerStore store;

  @BeforeEach
  void openStore() throws Exception {
    store = open("/store");
  }

  @AfterEach
  void closeStore() throws Exception {
    store.close();
    memory.close();
  }

  private LayerStore open(String root) throws Exception {
    return open(memory.getPath(root));
  }

  private static LayerStore open(Path root) throws Exception {
    return LayerStore.builder(root).durability(Durability.NONE).open();
  }

  private static SampleImage imageFor(String architecture) {
    return SampleImage.of(
        architecture, List.of(SampleImage.layer("for-" + architecture, architecture)), "");
  }

  private static byte[] manifest(SampleImage image) {
    return ImageFiles.ociManifest(image, "tar", image.layers()).getBytes(UTF_8);
  }

  private static String entry(SampleImage image, String architecture) {
    return ImageFiles.descriptor(
        MANIFEST,
        manifest(image),
        ",\"platform\":{\"architecture\":\"" + architecture + "\",\"os\":\"linux\"}");
  }

  /** With a member that nobody would write again. */
  private static byte[] index(String... entries) {
    return ImageFiles.index(entries)
        .replaceFirst("\\{", "{\"annotations\":{\"own\":\"yes\"},")
        .getBytes(UTF_8);
  }

  private static final byte[] BOTH = index(entry(AMD_IMAGE, "amd64"), entry(ARM_IMAGE, "arm64"));

  private static ImageFiles layout(byte[] index, String annotations) {
    ImageFiles files = new ImageFiles();
    files.putIndex(ImageFiles.descriptor(INDEX, index, annotations));
    files.put("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}").putBlob(index);
    for (SampleImage image : List.of(AMD_IMAGE, ARM_IMAGE)) {
      files.putBlob(manifest(image)).putBlob(image.configBytes());
      image.layers().forEach(files::putBlob);
    }
    return files;
  }

  private static ImageFiles both() {
    return layout(
        BOTH, ",\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/both:1\"}");
  }

  private LoadReport load(ImageFiles files, LoadOptions options) throws Exception {
    return store.images().load(ImageSource.of(files.toStream()), options);
  }

  private Map<String, ImageId> names(LayerStore of) {
    Map<String, ImageId> names = new TreeMap<>();
    of.images().references().list().forEach((name, id) -> names.put(name.toString(), id));
    return names;
  }

  private Map<String, ImageId> tags(LayerStore of) {
    Map<String, ImageId> tags = new TreeMap<>(names(of));
    tags.keySet().removeIf(name -> name.contains("@"));
    return tags;
  }

  private static Set<ImageId> ids(LayerStore of) {
    return of.images().list().stream().map(Image::id).collect(Collectors.toSet());
  }

  private Path kept(SampleImage image) {
    return memory
        .getPath("/store/image/vfs/layerstore-manifests")
        .resolve(image.id().digest().hex());
  }

  private static Digest digestIn(Path layout) throws IOException {
    String list = Files.readString(layout.resolve("index.json"));
    return Digest.parse(list.replaceFirst("(?s).*\"digest\":\"([^\"]+)\".*", "$1"));
  }

  @Test
  void load_allPlatforms_oneAskedForHasTheName() throws Exception {
    LoadReport report = load(both(), ALL);

    assertEquals(Set.of(AMD_IMAGE.id(), ARM_IMAGE.id()), ids(store));
    assertEquals(
        Map.of(
            "both:1",
            ARM_IMAGE.id(),
            "both@" + Digest.sha256Of(manifest(ARM_IMAGE)),
            ARM_IMAGE.id(),
            "both@" + Digest.sha256Of(manifest(AMD_IMAGE)),
            AMD_IMAGE.id()),
        names(store));
    assertEquals(List.of(), report.notes());
  }

  @Test
  void load_allPlatformsWithoutTheOneAskedFor_firstHasTheName() throws Exception {
    load(both(), LoadOptions.builder().allPlatforms(true).platform(S390).build());

    assertEquals(Map.of("both:1", AMD_IMAGE.id()), tags(store));
  }

  @Test
  void load_allPlatformsListedSideBySide_oneHasTheName() throws Exception {
    String name = ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"x/side:1\"}}";
    ImageFiles files = layout(BOTH, "");
    files.putIndex(
        entry(AMD_IMAGE, "amd64").replaceFirst("}$", name),
        entry(ARM_IMAGE, "arm64").replaceFirst("}$", name));

    load(files, ALL);

    assertEquals(Set.of(AMD_IMAGE.id(), ARM_IMAGE.id()), ids(store));
    assertEquals(Map.of("x/side:1", ARM_IMAGE.id()), tags(store));
  }

  @Test
  void load_allPlatformsWithAName_namesTheOneAskedFor() throws Exception {
    load(layout(BOTH, ""), ALL.toBuilder().reference(ImageReference.parse("given:1")).build());

    assertEquals(Map.of("given:1", ARM_IMAGE.id()), tags(store));
  }

  @Test
  void load_allPlatformsOfWhichOneIsNotThere_othersAreLoadedAndItIsNoted() throws Exception {
    ImageFiles files = both();
    files.remove("blobs/sha256/" + Digest.sha256Of(manifest(AMD_IMAGE)).hex());

    LoadReport report = load(files, ALL);

    assertEquals(Set.of(ARM_IMAGE.id()), ids(store));
    assertTrue(report.notes().get(0).contains("not there"), report.notes().toString());
  }

  @Test
  void manifests_loadedFromALayout_areTheBytesWithTheIndexFirst() throws Exception {
    load(both(), ALL);

    List<byte[]> documents =
        store.images().manifests(ARM_IMAGE.id()).stream()
            .map(document -> document.bytes().toByteArray())
            .toList();

    assertEquals(2, documents.size());
    assertArrayEquals(BOTH, documents.get(0));
    assertArrayEquals(manifest(ARM_IMAGE), documents.get(1));
  }

  @Test
  void manifests_loadedAgain_areKeptOnce() throws Exception {
    load(both(), ALL);
    load(both(), ALL);

    assertEquals(2, store.images().manifests(ARM_IMAGE.id()).size());
  }

  @Test
  void load_sameAgain_writesNoManifest() throws Exception {
    load(both(), ALL);
    List<String> before = files(kept(ARM_IMAGE));

    load(both(), ALL);

    assertEquals(before, files(kept(ARM_IMAGE)));
  }

  private static List<String> files(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(Path::toString).sorted().toList();
    }
  }

  @Test
  void manifests_fromManyIndexes_newestAreKept() throws Exception {
    byte[] last = BOTH;
    for (int i = 0; i < 20; i++) {
      last = new String(BOTH, UTF_8).replace("yes", "no " + i).getBytes(UTF_8);
      load(layout(last, ""), ALL);
    }

    assertEquals(16, store.images().manifests(ARM_IMAGE.id()).size());
    assertTrue(
        store.images().manifests(ARM_IMAGE.id()).stream()
            .anyMatch(document -> document.descriptor().mediaType().equals(MANIFEST)));
    byte[] newest = last;
    assertTrue(
        store.images().manifests(ARM_IMAGE.id()).stream()
            .anyMatch(document -> document.descriptor().digest().equals(Digest.sha256Of(newest))));
  }

  @Test
  void manifests_damagedFile_isAsIfItWereNotThereAndHeals() throws Exception {
    load(both(), ALL);
    try (Stream<Path> files = Files.list(kept(ARM_IMAGE))) {
      for (Path file : files.toList()) {
        Files.write(file, new byte[0]);
      }
    }

    assertEquals(List.of(), store.images().manifests(ARM_IMAGE.id()));

    load(both(), ALL);

    assertEquals(2, store.images().manifests(ARM_IMAGE.id()).size());
  }

  @Test
  void delete_image_takesItsManifestsAlong() throws Exception {
    load(both(), ALL);

    store.images().delete(ARM_IMAGE.id(), true);

    assertFalse(Files.exists(kept(ARM_IMAGE)));
    assertTrue(Files.exists(kept(AMD_IMAGE)));
  }

  @Test
  void cleanup_imageThatAnotherEngineDeleted_takesItsManifestsAlong() throws Exception {
    load(both(), ALL);
    store.close();
    String hex = ARM_IMAGE.id().digest().hex();
    Files.delete(memory.getPath("/store/image/vfs/imagedb/content/sha256", hex));
    store = open("/store");

    assertFalse(Files.exists(kept(ARM_IMAGE)));
    assertTrue(Files.exists(kept(AMD_IMAGE)));
  }

  @Test
  void load_oneChangeFails_keepsNothingOfIt() throws Exception {
    byte[] archive = both().toTar();
    int at = 0;
    for (boolean fails = true; fails; at += 3) {
      FaultyFileSystem faulty = FaultyFileSystem.over(memory);
      Path root = memory.getPath("/faulty-" + at);
      try (LayerStore failing = open(faulty.wrap(root))) {
        faulty.failAt(at);
        int before = faulty.operations().size();
        try {
          failing.images().load(ImageSource.of(new ByteArrayInputStream(archive)), ALL);
          fails = faulty.operations().size() - before > at;
        } catch (LayerStoreException e) {
          assertEquals(Set.of(), ids(failing), "after a fault at " + at);
          assertEquals(Map.of(), names(failing), "after a fault at " + at);
          failing.images().load(ImageSource.of(new ByteArrayInputStream(archive)), ALL);
        }
        assertEquals(2, failing.images().manifests(ARM_IMAGE.id()).size(), "fault at " + at);
        assertEquals(2, failing.images().manifests(AMD_IMAGE.id()).size(), "fault at " + at);
      }
    }
    assertTrue(at > 60, "only " + at + " changes were made");
  }

  @Test
  void load_failsInTheEnd_leavesNoManifestOfAnImageThatWasThere() throws Exception {
    store
        .images()
        .load(
            ImageSource.of(
                ImageFiles.docker(
                        List.of(AMD_IMAGE, ARM_IMAGE),
                        ImageFiles.item(AMD_IMAGE),
                        ImageFiles.item(ARM_IMAGE))
                    .toStream()),
            LoadOptions.DEFAULT);
    store.close();
    FaultyFileSystem faulty = FaultyFileSystem.over(memory);
    store = open(faulty.wrap(memory.getPath("/store")));
    faulty.failWhen(operation -> operation.path().toString().contains("repositories.json"));

    assertThrows(LayerStoreException.class, () -> load(both(), ALL));

    assertEquals(List.of(), store.images().manifests(ARM_IMAGE.id()));
    assertEquals(Set.of(AMD_IMAGE.id(), ARM_IMAGE.id()), ids(store));
  }

  @Test
  void prune_imagesForOtherPlatforms_stay() throws Exception {
    load(layout(BOTH, ""), ALL.toBuilder().reference(ImageReference.parse("given:1")).build());

    store.images().prune(PruneOptions.builder().build());

    assertEquals(Set.of(AMD_IMAGE.id(), ARM_IMAGE.id()), ids(store));
  }

  @Test
  void save_allPlatforms_givesTheSameIndexAndManifests() throws Exception {
    load(both(), ALL);
    Path out = memory.getPath("/out");

    store.images().save(List.of("both:1"), ImageTarget.directory(out), SAVE_ALL);

    assertEquals(Digest.sha256Of(BOTH), digestIn(out));
    Path blobs = out.resolve("blobs/sha256");
    assertArrayEquals(BOTH, Files.readAllBytes(blobs.resolve(Digest.sha256Of(BOTH).hex())));
    for (SampleImage image : List.of(AMD_IMAGE, ARM_IMAGE)) {
      assertArrayEquals(
          manifest(image),
          Files.readAllBytes(blobs.resolve(Digest.sha256Of(manifest(image)).hex())));
    }
  }

  @Test
  void save_allPlatformsAndLoadedElsewhere_savesTheSameAgain() throws Exception {
    load(both(), ALL);
    Path first = memory.getPath("/first.tar");
    store.images().save(List.of("both:1"), ImageTarget.file(first), SAVE_ALL);

    try (LayerStore other = open("/other")) {
      other.images().load(ImageSource.of(first), ALL);
      Path second = memory.getPath("/second.tar");
      other.images().save(List.of("both:1"), ImageTarget.file(second), SAVE_ALL);

      assertEquals(names(store), names(other));
      assertArrayEquals(Files.readAllBytes(first), Files.readAllBytes(second));
    }
  }

  @Test
  void save_oneOfTheIndexIsNotHere_writesAnIndexOfTheOthersAndNotesIt() throws Exception {
    load(both(), LoadOptions.builder().platform(ARM).build());
    Path out = memory.getPath("/out");

    SaveReport report =
        store.images().save(List.of("both:1"), ImageTarget.directory(out), SAVE_ALL);

    assertEquals(Digest.sha256Of(manifest(ARM_IMAGE)), digestIn(out));
    assertTrue(report.notes().get(0).contains("linux/amd64"), report.notes().toString());
  }

  @Test
  void save_platform_takesTheOtherImageOfTheIndex() throws Exception {
    load(both(), ALL);
    Path out = memory.getPath("/out");
    SaveOptions options =
        SaveOptions.builder()
            .format(SaveOptions.Format.OCI)
            .platform(Platform.of("amd64", "linux"))
            .build();

    store.images().save(List.of("both:1"), ImageTarget.directory(out), options);

    assertEquals(Digest.sha256Of(manifest(AMD_IMAGE)), digestIn(out));
  }

  @Test
  void save_platformThatIsNotHere_isRefusedWithWhatIs() throws Exception {
    load(both(), ALL);
    SaveOptions options = SaveOptions.builder().platform(S390).build();

    InvalidImageException e =
        assertThrows(
            InvalidImageException.class,
            () ->
                store
                    .images()
                    .save(List.of("both:1"), ImageTarget.file(memory.getPath("/x.tar")), options));

    assertTrue(e.getMessage().contains("linux/amd64, linux/arm64"), e.getMessage());
    assertFalse(Files.exists(memory.getPath("/x.tar")));
  }

  @Test
  void save_allPlatformsInDockersLayout_hasTheOthersWithoutAName() throws Exception {
    load(both(), ALL);
    Path file = memory.getPath("/docker.tar");
    SaveReport report =
        store
            .images()
            .save(
                List.of("both:1"),
                ImageTarget.file(file),
                SaveOptions.builder().allPlatforms(true).build());

    assertTrue(report.notes().get(0).contains("save it as OCI layout"), report.notes().toString());
    try (LayerStore other = open("/other")) {
      other.images().load(ImageSource.of(file), LoadOptions.DEFAULT);
      assertEquals(ids(store), ids(other));
      assertEquals(Map.of("both:1", ARM_IMAGE.id()), names(other));
    }
  }

  @Test
  void save_index_isReadAsOneImageForSeveralPlatforms() throws Exception {
    load(ImageFiles.docker(AMD_IMAGE, "amd:1"), LoadOptions.DEFAULT);
    load(ImageFiles.docker(ARM_IMAGE, "arm:1"), LoadOptions.DEFAULT);
    Path file = memory.getPath("/index.tar");
    SaveOptions options =
        SaveOptions.builder()
            .format(SaveOptions.Format.OCI)
            .index(ImageReference.parse("both:2"))
            .build();

    store.images().save(List.of("amd:1", "arm:1"), ImageTarget.file(file), options);

    try (LayerStore other = open("/other")) {
      other.images().load(ImageSource.of(file), LoadOptions.builder().platform(ARM).build());
      assertEquals(Map.of("both:2", ARM_IMAGE.id()), names(other));
      assertEquals(Set.of(ARM_IMAGE.id()), ids(other));
    }
  }

  @Test
  void save_indexOfTwoImagesForOnePlatform_isRefused() throws Exception {
    SampleImage another = SampleImage.of("arm64", List.of(SampleImage.layer("o", "o")), "");
    load(ImageFiles.docker(another, "another:1"), LoadOptions.DEFAULT);
    load(ImageFiles.docker(ARM_IMAGE, "arm:1"), LoadOptions.DEFAULT);
    SaveOptions options =
        SaveOptions.builder()
            .format(SaveOptions.Format.OCI)
            .index(ImageReference.parse("both:2"))
            .build();
    ImageTarget target = ImageTarget.file(memory.getPath("/index.tar"));

    assertThrows(
        InvalidImageException.class,
        () -> store.images().save(List.of("another:1", "arm:1"), target, options));
  }

  @Test
  void save_indexInDockersLayout_isRefused() throws Exception {
    load(ImageFiles.docker(ARM_IMAGE, "arm:1"), LoadOptions.DEFAULT);
    SaveOptions options = SaveOptions.builder().index(ImageReference.parse("both:2")).build();
    ImageTarget target = ImageTarget.file(memory.getPath("/index.tar"));

    assertThrows(
        IllegalArgumentException.class,
        () -> store.images().save(List.of("arm:1"), target, options));
  }

  @Test
  void save_manifestKeptAndLayersCompressedOtherwise_writesAnother() throws Exception {
    load(both(), ALL);
    Path out = memory.getPath("/out");

    store
        .images()
        .save(
            List.of("both:1"),
            ImageTarget.directory(out),
            SAVE_ALL.toBuilder().compression(io.layerstore.Compression.GZIP).build());

    try (LayerStore other = open("/other")) {
      other.images().load(ImageSource.of(out), ALL);
      assertEquals(ids(store), ids(other));
      assertFalse(digestIn(out).equals(Digest.sha256Of(BOTH)));
    }
  }
}
