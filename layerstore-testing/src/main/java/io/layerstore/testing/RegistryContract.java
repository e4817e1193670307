package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Compression;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.DistributionMetadata.Source;
import io.layerstore.Image;
import io.layerstore.ImageManifest;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStore;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.Platform;
import io.layerstore.Progress;
import io.layerstore.PullOptions;
import io.layerstore.PushOptions;
import io.layerstore.PushReport;
import io.layerstore.RegistryException;
import io.layerstore.RemoteImage;
import io.layerstore.SaveOptions;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Images to Docker's registry and back. Needs the registry; some tests need skopeo, too. */
public abstract class RegistryContract extends RegistryFixture {

  private static final List<AppendixA> ARCHIVES =
      List.of(AppendixA.TWO_BASE, AppendixA.TWO_TOP, AppendixA.NONUTF8);

  private LayerStore source;
  private LayerStore store;
  private String id;
  private int repositories;

  /** Tests the graph driver called {@code driver}. */
  protected RegistryContract(String driver) {
    super(driver);
  }

  @BeforeAll
  void load() throws Exception {
    source = open("source");
    id = load(source, "mine:1");
  }

  @BeforeEach
  void openAnother() throws Exception {
    store = open("store-" + ++repositories);
  }

  @AfterEach
  void closeAnother() throws Exception {
    store.close();
  }

  @AfterAll
  void closeSource() throws Exception {
    if (source != null) {
      source.close();
    }
  }

  private String load(LayerStore to, String name) throws Exception {
    Path directory = Files.createDirectory(scratch.resolve("archive"));
    List<Path> layers = new ArrayList<>();
    for (AppendixA archive : ARCHIVES) {
      layers.add(Files.write(directory.resolve(archive.name()), archive.bytes()));
    }
    Path archive =
        io.layerstore.testing.Image.of(ARCHIVES.stream().map(AppendixA::diffId).toList(), layers)
            .writeTo(directory, name);
    return to.images()
        .load(ImageSource.of(archive), LoadOptions.DEFAULT)
        .images()
        .get(0)
        .id()
        .toString();
  }

  /** A tag in a repository that no other test has. */
  private ImageReference fresh() {
    return ImageReference.parse(registry.address() + "/some/image-" + repositories + ":1");
  }

  private ImageReference pushed() throws Exception {
    ImageReference reference = fresh();
    source.images().push("mine:1", reference, PUSH);
    return reference;
  }

  @Test
  void pull_imageThatWasPushed_isTheSameImage() throws Exception {
    ImageReference reference = pushed();

    LoadReport report = store.images().pull(reference, PULL);

    assertEquals(1, report.images().size());
    assertEquals(id, report.images().get(0).id().toString());
    assertEquals(ARCHIVES.size(), report.images().get(0).newLayers().size());
    assertEquals(List.of(), report.notes());
    Image image = store.images().resolve(reference.toString());
    assertArrayEquals(
        source.images().resolve("mine:1").configBytes().toByteArray(),
        image.configBytes().toByteArray());
    assertEquals(
        ARCHIVES.stream().map(AppendixA::diffId).toList(),
        image.config().diffIds().stream().map(DiffId::toString).toList());
  }

  @Test
  void pull_byTag_namesTheImageByItsDigestToo() throws Exception {
    ImageReference reference = fresh();
    Digest digest = source.images().push("mine:1", reference, PUSH).digest();

    store.images().pull(reference, PULL);

    assertEquals(
        Set.of(reference, reference.withDigest(digest)),
        store.images().references().list().keySet());
  }

  @Test
  void pull_byDigest_namesTheImageByItsDigestAlone() throws Exception {
    ImageReference reference = fresh();
    Digest digest = source.images().push("mine:1", reference, PUSH).digest();

    store.images().pull(reference.withDigest(digest), PULL);

    assertEquals(Set.of(reference.withDigest(digest)), store.images().references().list().keySet());
  }

  @Test
  void pull_layers_notesWhereTheyAreFrom() throws Exception {
    ImageReference reference = pushed();

    store.images().pull(reference, PULL);

    for (AppendixA archive : ARCHIVES) {
      DiffId diffId = DiffId.parse(archive.diffId());
      List<Source> sources = store.images().distribution().sources(diffId);
      assertEquals(1, sources.size());
      assertEquals(reference.canonicalRepository(), sources.get(0).sourceRepository());
      assertEquals(
          Optional.of(diffId), store.images().distribution().diffId(sources.get(0).digest()));
    }
  }

  @Test
  void pull_imageThatIsThere_addsNoLayer() throws Exception {
    ImageReference reference = pushed();
    store.images().pull(reference, PULL);

    LoadReport again = store.images().pull(reference, PULL);

    assertEquals(List.of(), again.images().get(0).newLayers());
  }

  @Test
  void pull_layersThatAreThereUnderAnotherName_addsOnlyTheImage() throws Exception {
    ImageReference reference = pushed();
    ImageReference other = reference.withTag("other");
    source.images().push("mine:1", other, PUSH);
    store.images().pull(reference, PULL);

    LoadReport again = store.images().pull(other, PULL);

    assertEquals(List.of(), again.images().get(0).newLayers());
  }

  @Test
  void pull_whenItIsDone_leavesNoBlob() throws Exception {
    store.images().pull(pushed(), PULL);

    Path partial = store.root().resolve("image/" + driver + "/layerstore-partial");
    try (var files = Files.list(partial)) {
      assertEquals(List.of(), files.toList());
    }
  }

  @Test
  void pull_listener_isToldOfAllThatComes() throws Exception {
    ImageReference reference = pushed();
    List<Progress> told = Collections.synchronizedList(new ArrayList<>());

    store.images().pull(reference, PULL.toBuilder().progress(told::add).build());

    assertEquals(
        Set.of(Progress.Kind.PULL),
        told.stream().map(event -> event.operation().kind()).collect(Collectors.toSet()));
    assertEquals(Progress.Phase.DONE, told.get(told.size() - 1).phase());
    Map<String, Long> fetched = new HashMap<>();
    Map<String, Long> totals = new HashMap<>();
    for (Progress event : told) {
      if (event.phase() == Progress.Phase.FETCHING && event.layer().isPresent()) {
        Progress.LayerProgress layer = event.layer().get();
        fetched.merge(layer.diffId().orElseThrow().toString(), layer.bytes(), Math::max);
        totals.put(layer.diffId().get().toString(), layer.totalBytes().orElseThrow());
      }
    }
    assertEquals(
        ARCHIVES.stream().map(AppendixA::diffId).collect(Collectors.toSet()), fetched.keySet());
    assertEquals(totals, fetched);
  }

  @Test
  void pull_allTags_namesAll() throws Exception {
    ImageReference reference = pushed();
    source.images().push("mine:1", reference.withTag("2"), PUSH);

    store.images().pull(reference, PULL.toBuilder().allTags(true).build());

    Set<ImageReference> names = new HashSet<>(store.images().references().list().keySet());
    names.removeIf(name -> name.digest().isPresent());
    assertEquals(Set.of(reference, reference.withTag("2")), names);
  }

  @Test
  void pull_missingTag_isNotFound() throws Exception {
    ImageReference missing = pushed().withTag("missing");

    RegistryException e =
        assertThrows(RegistryException.class, () -> store.images().pull(missing, PULL));

    assertEquals(RegistryException.Kind.NOT_FOUND, e.kind());
    assertEquals(registry.address(), e.registry());
    assertEquals(missing.toString(), e.reference());
    assertEquals(List.of(), store.layers());
  }

  @Test
  void pull_unexpectedDigest_isRefusedBeforeAnythingIsFetched() throws Exception {
    ImageReference reference = pushed();
    PullOptions options = PULL.toBuilder().expectedDigest(Digest.sha256Of(new byte[] {1})).build();

    RegistryException e =
        assertThrows(RegistryException.class, () -> store.images().pull(reference, options));

    assertEquals(RegistryException.Kind.WRONG_DIGEST, e.kind());
    assertEquals(List.of(), store.layers());
  }

  @Test
  void pull_policyNever_takesWhatIsThereOrFails() throws Exception {
    ImageReference reference = pushed();
    PullOptions never = PULL.toBuilder().policy(PullOptions.Policy.NEVER).build();

    assertThrows(ImageNotFoundException.class, () -> store.images().pull(reference, never));
    store.images().pull(reference, PULL);
    assertEquals(id, store.images().pull(reference, never).images().get(0).id().toString());
  }

  @Test
  void pull_policyMissingAndAllPlatforms_pullsThoseThatAreNotHere() throws Exception {
    ImageReference reference = pushedForTwo(PUSH);
    store
        .images()
        .pull(reference, PULL.toBuilder().platform(Platform.of("amd64", "linux")).build());
    PullOptions missing = all().toBuilder().policy(PullOptions.Policy.MISSING).build();

    store.images().pull(reference, missing);

    assertEquals(2, store.images().list().size());
    PullOptions never = all().toBuilder().policy(PullOptions.Policy.NEVER).build();
    assertEquals(2, store.images().pull(reference, never).images().size());
  }

  @Test
  void pull_policyMissing_pullsOnce() throws Exception {
    ImageReference reference = pushed();
    PullOptions missing = PULL.toBuilder().policy(PullOptions.Policy.MISSING).build();

    assertEquals(
        ARCHIVES.size(),
        store.images().pull(reference, missing).images().get(0).newLayers().size());
    assertEquals(List.of(), store.images().pull(reference, missing).images().get(0).newLayers());
  }

  @Test
  void push_again_sendsNoLayer() throws Exception {
    ImageReference reference = pushed();

    PushReport again = source.images().push("mine:1", reference, PUSH);

    assertEquals(0, again.uploaded());
    assertEquals(ARCHIVES.size(), again.present());
  }

  @Test
  void push_toAnotherRepositoryOfTheRegistry_mountsLayers() throws Exception {
    store.images().pull(pushed(), PULL);
    ImageReference other = ImageReference.parse(registry.address() + "/else/" + repositories);

    PushReport report = store.images().push(id, other, PUSH);

    assertEquals(0, report.uploaded());
    assertEquals(ARCHIVES.size(), report.mounted());
  }

  @Test
  void push_imageThatWasPulled_hasTheSameDigest() throws Exception {
    ImageReference reference = fresh();
    Digest digest = source.images().push("mine:1", reference, PUSH).digest();
    store.images().pull(reference, PULL);

    assertEquals(digest, store.images().push(id, reference.withTag("again"), PUSH).digest());
  }

  @Test
  void push_twoStores_giveTheSameBytes() throws Exception {
    ImageReference reference = pushed();
    store.images().pull(reference, PULL);
    ImageReference other =
        ImageReference.parse(registry.address().replace("127.0.0.1", "localhost") + "/x/y:1");

    // The other name of this registry is not known to have the layers, so they are made again.
    PushReport report = store.images().push(id, other, PUSH);

    assertEquals(ARCHIVES.size(), report.uploaded());
    assertEquals(source.images().push("mine:1", reference, PUSH).digest(), report.digest());
  }

  @Test
  void push_digestAsTarget_isRefused() throws Exception {
    ImageReference digest = fresh().withDigest(Digest.sha256Of(new byte[0]));

    assertThrows(
        IllegalArgumentException.class, () -> source.images().push("mine:1", digest, PUSH));
  }

  @Test
  void pull_ociWithZstd_isTheSameImage() throws Exception {
    ImageReference reference = fresh();
    source
        .images()
        .push(
            "mine:1",
            reference,
            PUSH.toBuilder()
                .format(SaveOptions.Format.OCI)
                .compression(io.layerstore.Compression.ZSTD)
                .build());

    assertEquals(id, store.images().pull(reference, PULL).images().get(0).id().toString());
  }

  /** With no logins; where it looks by default, an ordinary user who has not logged in may not. */
  private Tool skopeo() throws Exception {
    Tool skopeo = Tool.require("skopeo");
    Path logins = Files.writeString(scratch.resolve("auth.json"), "{}");
    return skopeo.with("REGISTRY_AUTH_FILE", logins.toString());
  }

  @Test
  void pull_imageThatSkopeoCopied_isTheSameWithItsDigest() throws Exception {
    Tool skopeo = skopeo();
    ImageReference from = pushed();
    ImageReference to = from.withTag("copied");
    skopeo.run(
        "copy",
        "--insecure-policy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "--format=oci",
        "docker://" + from,
        "docker://" + to);

    store.images().pull(to, PULL);

    String digest =
        skopeo
            .run("inspect", "--tls-verify=false", "--format={{.Digest}}", "docker://" + to)
            .text();
    Image image = store.images().resolve(to.repository() + "@" + digest);
    assertEquals(source.images().resolve("mine:1").config().diffIds(), image.config().diffIds());
  }

  private static final PushOptions OCI = PUSH.toBuilder().format(SaveOptions.Format.OCI).build();

  private static LoadOptions loadAll() {
    return LoadOptions.builder().allPlatforms(true).platform(Platform.of("amd64", "linux")).build();
  }

  private static void copyAll(Tool skopeo, String from, String to) throws Exception {
    skopeo.run(
        "copy",
        "--all",
        "--insecure-policy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        from,
        to);
  }

  @Test
  void push_indexThatSkopeoCopiedToALayout_hasItsDigest() throws Exception {
    Tool skopeo = skopeo();
    ImageReference reference = pushedForTwo(OCI);
    Path layout = scratch.resolve("skopeo-" + repositories);
    copyAll(skopeo, "docker://" + reference, "oci:" + layout + ":1");

    LoadReport loaded = store.images().load(ImageSource.of(layout), loadAll());

    assertEquals(2, loaded.images().size());
    // The one for amd64 is the first, and the registry has the layers of both.
    String first = loaded.images().get(0).id().toString();
    assertEquals(
        digest(reference), store.images().push(first, reference.withTag("2"), pushAll()).digest());
  }

  @Test
  void skopeo_indexThatWasSaved_copiesAllOfItWithItsDigest() throws Exception {
    Tool skopeo = skopeo();
    importArm();
    Path layout = scratch.resolve("saved-" + repositories);
    source
        .images()
        .save(
            List.of("mine:1", "arm:1"),
            ImageTarget.directory(layout),
            SaveOptions.builder()
                .format(SaveOptions.Format.OCI)
                .compression(Compression.GZIP) // skopeo compresses what is not
                .index(ImageReference.parse("both:2"))
                .build());
    ImageReference to = fresh();
    copyAll(skopeo, "oci:" + layout + ":2", "docker://" + to);

    store.images().pull(to, all());

    assertTrue(
        Files.exists(layout.resolve("blobs/sha256").resolve(digest(to).hex())),
        "not the index that was saved");
    assertEquals(2, store.images().list().size());
  }

  @Test
  void skopeo_indexThatWasPulledAndPushed_isByteForByteTheSame() throws Exception {
    Tool skopeo = skopeo();
    ImageReference reference = pushedForTwo(PUSH);
    ImageReference copied = reference.withTag("copied");
    copyAll(skopeo, "docker://" + reference, "docker://" + copied);
    store.images().pull(copied, all());
    store.images().push(copied.toString(), reference.withTag("again"), pushAll());

    String raw = skopeo.run("inspect", "--raw", "--tls-verify=false", "docker://" + copied).out();

    assertEquals(
        raw,
        skopeo
            .run("inspect", "--raw", "--tls-verify=false", "docker://" + reference.withTag("again"))
            .out());
  }

  @Test
  void load_directoryThatSkopeoMadeOfAnIndex_hasAllImages() throws Exception {
    Tool skopeo = skopeo();
    ImageReference reference = pushedForTwo(PUSH);
    Path directory = scratch.resolve("dir-" + repositories);
    copyAll(skopeo, "docker://" + reference, "dir:" + directory);

    LoadReport loaded = store.images().load(ImageSource.of(directory), loadAll());

    assertEquals(2, loaded.images().size());
    assertEquals(
        digest(reference),
        store.images().manifests(loaded.images().get(0).id()).get(0).descriptor().digest());
  }

  @Test
  void save_indexThatIsInTheRegistry_isThereByteForByte() throws Exception {
    ImageReference reference = pushedForTwo(PUSH);
    RemoteImage remote = store.images().remote(reference, ALONE);
    Path file = scratch.resolve("remote-" + repositories + ".tar");
    Path directory = scratch.resolve("remote-" + repositories);

    remote.save(ImageTarget.file(file));
    remote.save(ImageTarget.directory(directory));

    for (Path layout : List.of(file, directory)) {
      try (LayerStore other = open("of-" + layout.getFileName())) {
        LoadReport loaded = other.images().load(ImageSource.of(layout), loadAll());
        assertEquals(2, loaded.images().size());
        assertEquals(
            remote.bytes(),
            other
                .images()
                .manifests(other.images().resolve(reference.toString()).id())
                .get(0)
                .bytes());
        assertEquals(
            remote.manifest().digest(),
            other
                .images()
                .push(reference.toString(), reference.withTag("back"), pushAll())
                .digest());
      }
    }
  }

  @Test
  void skopeo_indexThatWasSavedFromTheRegistry_readsIt() throws Exception {
    Tool skopeo = skopeo();
    ImageReference reference = pushedForTwo(OCI);
    Path directory = scratch.resolve("oci-" + repositories);
    store.images().remote(reference, ALONE).save(ImageTarget.directory(directory));

    copyAll(skopeo, "oci:" + directory + ":1", "docker://" + reference.withTag("back"));

    assertEquals(digest(reference), digest(reference.withTag("back")));
  }

  @Test
  void skopeo_imageThatWasPushed_seesTheDigestThatWasSaid() throws Exception {
    Tool skopeo = skopeo();
    ImageReference reference = fresh();
    Digest digest = source.images().push("mine:1", reference, PUSH).digest();

    assertEquals(
        digest.toString(),
        skopeo
            .run("inspect", "--tls-verify=false", "--format={{.Digest}}", "docker://" + reference)
            .text());
  }

  @Test
  void pull_index_takesTheImageForThePlatform() throws Exception {
    ImageReference reference = pushed();
    ImageReference index = index(reference);
    Platform arm = Platform.of("arm64", "linux");

    LoadReport report =
        store
            .images()
            .pull(index, PULL.toBuilder().platform(Platform.of("amd64", "linux")).build());

    assertEquals(id, report.images().get(0).id().toString());
    assertThrows(
        InvalidImageException.class,
        () -> store.images().pull(index, PULL.toBuilder().platform(arm).build()));
  }

  /** An index of that image, in an index, beside an attestation and an image for s390x. */
  private ImageReference index(ImageReference reference) throws Exception {
    Digest digest = source.images().push("mine:1", reference, PUSH).digest();
    String type = "application/vnd.docker.distribution.manifest.v2+json";
    HttpClient client = HttpClient.newHttpClient();
    String path = reference.canonicalRepository().substring(registry.address().length() + 1);
    String base = "http://" + registry.address() + "/v2/" + path + "/manifests/";
    int size =
        client
            .send(
                HttpRequest.newBuilder(URI.create(base + digest)).header("Accept", type).build(),
                HttpResponse.BodyHandlers.ofByteArray())
            .body()
            .length;
    String entry =
        "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d,\"platform\":{\"architecture\":\"%s\",\"os\":\"%s\"}}";
    String inner =
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":["
            + entry.formatted(type, digest, size, "unknown", "unknown")
            + ","
            + entry.formatted(type, digest, size, "amd64", "linux")
            + ","
            + entry.formatted(type, digest, size, "s390x", "linux")
            + "]}";
    String innerDigest = put(client, base, inner);
    String outer =
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":["
            + "{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"digest\":\"%s\",\"size\":%d}]}";
    return reference.withDigest(
        Digest.parse(put(client, base, outer.formatted(innerDigest, inner.length()))));
  }

  private static String put(HttpClient client, String base, String document) throws Exception {
    return put(client, base, document, "application/vnd.oci.image.index.v1+json");
  }

  private static String put(HttpClient client, String base, String document, String type)
      throws Exception {
    String digest = Digest.sha256Of(document.getBytes(StandardCharsets.UTF_8)).toString();
    int status =
        client
            .send(
                HttpRequest.newBuilder(URI.create(base + digest))
                    .header("Content-Type", type)
                    .PUT(HttpRequest.BodyPublishers.ofString(document))
                    .build(),
                HttpResponse.BodyHandlers.discarding())
            .statusCode();
    assertTrue(status == 201, "status " + status);
    return digest;
  }

  private String importArm() throws Exception {
    return importArm(source, ImageReference.parse("arm:1"));
  }

  @Test
  void push_imagesForTwoPlatforms_givesEachWhoAsks() throws Exception {
    String arm = importArm();
    ImageReference reference = fresh();

    source.images().push(List.of("mine:1", "arm:1"), reference, PUSH);

    PullOptions forArm = PULL.toBuilder().platform(Platform.of("arm64", "linux")).build();
    PullOptions forAmd = PULL.toBuilder().platform(Platform.of("amd64", "linux")).build();
    assertEquals(arm, store.images().pull(reference, forArm).images().get(0).id().toString());
    assertEquals(id, store.images().pull(reference, forAmd).images().get(0).id().toString());
  }

  @Test
  void push_twoImagesForOnePlatform_isRefused() throws Exception {
    importArm();

    assertThrows(
        InvalidImageException.class,
        () -> source.images().push(List.of("arm:1", "arm:1"), fresh(), PUSH));
  }

  @Test
  void pull_allPlatforms_namesTheOneThatWasAskedFor() throws Exception {
    String arm = importArm();
    ImageReference reference = fresh();
    source.images().push(List.of("mine:1", "arm:1"), reference, PUSH);

    LoadReport report =
        store
            .images()
            .pull(
                reference,
                PULL.toBuilder()
                    .allPlatforms(true)
                    .platform(Platform.of("arm64", "linux"))
                    .build());

    assertEquals(
        Set.of(id, arm),
        report.images().stream().map(image -> image.id().toString()).collect(Collectors.toSet()));
    assertEquals(arm, store.images().resolve(reference.toString()).id().toString());
  }

  private ImageReference pushedForTwo(PushOptions options) throws Exception {
    importArm();
    ImageReference reference = fresh();
    source.images().push(List.of("mine:1", "arm:1"), reference, options);
    return reference;
  }

  private static PullOptions all() {
    return PULL.toBuilder().allPlatforms(true).platform(Platform.of("amd64", "linux")).build();
  }

  private static PushOptions pushAll() {
    return PUSH.toBuilder().allPlatforms(true).build();
  }

  private Digest digest(ImageReference reference) throws Exception {
    return store.images().remote(reference, ALONE).manifest().digest();
  }

  @Test
  void manifests_pulledImage_areTheBytesOfTheRegistry() throws Exception {
    ImageReference reference = pushedForTwo(PUSH);
    store.images().pull(reference, all());

    List<ImageManifest> manifests =
        store.images().manifests(store.images().resolve(reference.toString()).id());

    RemoteImage remote = store.images().remote(reference, ALONE);
    assertEquals(remote.bytes(), manifests.get(0).bytes());
    assertEquals(
        remote.variants().get(0).manifest().digest(), manifests.get(1).descriptor().digest());
  }

  @Test
  void push_manifestOfAnotherTool_isPushedByteForByte() throws Exception {
    ImageReference reference = pushedForTwo(PUSH);
    RemoteImage remote = store.images().remote(reference, ALONE);
    String own =
        new String(remote.bytes().toByteArray(), StandardCharsets.UTF_8)
            .replaceFirst("\\{", "{ \"annotations\": {\"own\": \"yes\"},");
    Digest digest = putIndex(reference, own);
    store.images().pull(reference.withDigest(digest), all());

    Digest pushed =
        store
            .images()
            .push(reference.withDigest(digest).toString(), reference.withTag("2"), pushAll())
            .digest();

    assertEquals(digest, pushed);
    assertEquals(digest, digest(reference.withTag("2")));
  }

  private Digest putIndex(ImageReference reference, String document) throws Exception {
    String path = reference.canonicalRepository().substring(registry.address().length() + 1);
    return Digest.parse(
        put(
            HttpClient.newHttpClient(),
            "http://" + registry.address() + "/v2/" + path + "/manifests/",
            document,
            "application/vnd.docker.distribution.manifest.list.v2+json"));
  }

  @Test
  void push_pulledForAllPlatformsAndSavedAndLoadedElsewhere_hasTheSameDigest() throws Exception {
    PushOptions oci = PUSH.toBuilder().format(SaveOptions.Format.OCI).build();
    ImageReference reference = pushedForTwo(oci);
    store.images().pull(reference, all());
    Path layout = scratch.resolve("layout-" + repositories + ".tar");
    store
        .images()
        .save(
            List.of(reference.toString()),
            ImageTarget.file(layout),
            SaveOptions.builder()
                .format(SaveOptions.Format.OCI)
                .compression(Compression.GZIP)
                .allPlatforms(true)
                .build());

    ImageReference there = ImageReference.parse(registry.address() + "/other/" + repositories);
    try (LayerStore elsewhere = open("elsewhere-" + repositories)) {
      elsewhere
          .images()
          .load(
              ImageSource.of(layout),
              LoadOptions.builder()
                  .allPlatforms(true)
                  .platform(Platform.of("amd64", "linux"))
                  .build());
      PushReport report = elsewhere.images().push(reference.toString(), there, pushAll());

      assertEquals(digest(reference), report.digest());
      assertEquals(List.of(), report.notes());
    }
  }

  @Test
  void push_platformOfAnIndex_pushesThatImage() throws Exception {
    ImageReference reference = pushedForTwo(PUSH);
    store.images().pull(reference, all());
    Platform arm = Platform.of("arm64", "linux");

    store
        .images()
        .push(
            reference.toString(), reference.withTag("arm"), PUSH.toBuilder().platform(arm).build());

    RemoteImage remote = store.images().remote(reference.withTag("arm"), ALONE);
    assertEquals(1, remote.variants().size());
    assertEquals("arm64", remote.variants().get(0).manifest().platform().get().architecture());
  }

  @Test
  void push_onePlatformOfAnIndexThatTheRegistryHas_leavesTheIndexWhole() throws Exception {
    ImageReference reference = pushedForTwo(PUSH);
    store
        .images()
        .pull(reference, PULL.toBuilder().platform(Platform.of("amd64", "linux")).build());

    Digest pushed =
        store.images().push(reference.toString(), reference.withTag("2"), pushAll()).digest();

    assertEquals(digest(reference), pushed);
  }

  @Test
  void push_ociManifestThatWasPulled_staysWhatItIs() throws Exception {
    ImageReference reference = fresh();
    Digest digest =
        source
            .images()
            .push("mine:1", reference, PUSH.toBuilder().format(SaveOptions.Format.OCI).build())
            .digest();
    store.images().pull(reference, PULL);

    assertEquals(digest, store.images().push(reference.toString(), reference, PUSH).digest());
  }

  @Test
  void push_formatGiven_writesThatForm() throws Exception {
    ImageReference reference = pushed();
    store.images().pull(reference, PULL);

    store
        .images()
        .push(
            reference.toString(),
            reference.withTag("oci"),
            PUSH.toBuilder().format(SaveOptions.Format.OCI).build());

    assertEquals(
        "application/vnd.oci.image.manifest.v1+json",
        store.images().remote(reference.withTag("oci"), ALONE).manifest().mediaType());
  }

  @Test
  void remote_index_showsAllPlatforms() throws Exception {
    importArm();
    ImageReference reference = fresh();
    Digest digest = source.images().push(List.of("mine:1", "arm:1"), reference, PUSH).digest();

    RemoteImage remote = store.images().remote(reference, ALONE);

    assertEquals(digest, remote.manifest().digest());
    assertEquals(
        List.of("amd64", "arm64"),
        remote.variants().stream()
            .map(variant -> variant.manifest().platform().orElseThrow().architecture())
            .toList());
    assertEquals(ARCHIVES.size(), remote.variants().get(0).layers().size());
  }

  @Test
  void pull_afterTheImageWasDeleted_bringsItBack() throws Exception {
    ImageReference reference = pushed();
    store.images().pull(reference, PULL);
    store.images().delete(store.images().resolve(reference.toString()).id(), true);
    assertEquals(List.of(), store.layers());

    assertFalse(store.images().pull(reference, PULL).images().get(0).newLayers().isEmpty());
  }
}
