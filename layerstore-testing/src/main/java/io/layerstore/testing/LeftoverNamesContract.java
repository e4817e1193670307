package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.CommitImageOptions;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.DistributionMetadata;
import io.layerstore.DistributionMetadata.Source;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.ImportOptions;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.PruneOptions;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.SaveOptions;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every name that an operation leaves when it is killed at whatever step is one that recovery
 * knows: after the next open a store has only names that a store at rest has, and what was written
 * outside it goes when it is written again.
 */
public abstract class LeftoverNamesContract {

  /** A name that is an identifier. */
  protected static final String ID = "[0-9a-f]{64}";

  private static final SampleImage IMAGE = SampleImage.small("a", 2);
  private static final SampleImage OTHER = SampleImage.small("b", 2);
  private static final byte[] IMPORTED = new TarBuilder().file("imported", "x").end().toBytes();
  private static final Source SOURCE =
      new Source(Digest.sha256Of(IMPORTED), "docker.io/library/x", "");
  private static final DiffId DIFF_ID = new DiffId(Digest.sha256Of(IMPORTED));
  private static final ImageReference NAME = ImageReference.parse("name:1");
  private static final String SAVED = "demo:1";

  /** What is done to a store that has been prepared for it, and what a kill in it leaves. */
  protected enum Operation {
    REGISTER("tmp/write-set-"),
    RELEASE("-removing"),
    CREATE_RW_LAYER("tmp/mount-set-"),
    COMMIT("tmp/write-set-"),
    RELEASE_RW_LAYER(""),
    TEMPORARY_RW_LAYER("tmp/mount-set-"),
    IMPORT("imagedb/content/sha256/.tmp-") {
      @Override
      void run(LayerStore store, Path out) throws IOException {
        ImportOptions options =
            ImportOptions.builder().reference(NAME).created(Instant.EPOCH).build();
        store.images().importRootFs(LayerSource.of(IMPORTED), options);
      }
    },
    DISTRIBUTION("/.tmp-") {
      @Override
      void run(LayerStore store, Path out) throws IOException {
        store.images().distribution().add(DIFF_ID, SOURCE);
      }
    },
    LOAD("/.tmp-repositories.json") {
      @Override
      void run(LayerStore store, Path out) throws IOException {
        ImageSource source = ImageSource.of(ImageFiles.docker(OTHER, "other:1").toStream());
        store.images().load(source, LoadOptions.DEFAULT);
      }
    },
    LOAD_LAYOUT("layerstore-manifests/") {
      @Override
      void run(LayerStore store, Path out) throws IOException {
        ImageSource source = ImageSource.of(ImageFiles.oci(OTHER, "").toStream());
        store.images().load(source, LoadOptions.DEFAULT);
      }
    },
    LOAD_DAMAGED("tmp/write-set-") {
      @Override
      void damage(LayerStore store, LeftoverNamesContract contract) throws IOException {
        try (Layer layer = store.get(IMAGE.chainIds().get(1))) {
          contract.damage(layer.cacheId());
        }
      }

      @Override
      void run(LayerStore store, Path out) throws IOException {
        store.images().load(image(), LoadOptions.builder().verifyExisting(true).build());
      }
    },
    REGISTER_DAMAGED("tmp/write-set-") {
      @Override
      void damage(LayerStore store, LeftoverNamesContract contract) throws IOException {
        try (Layer layer = store.get(StoreOperation.OTHER_ID)) {
          contract.damage(layer.cacheId());
        }
      }

      @Override
      void run(LayerStore store, Path out) throws IOException {
        RegisterOptions options = RegisterOptions.builder().verifyExisting(true).build();
        store.register(LayerSource.of(StoreOperation.OTHER), options).close();
      }
    },
    COMMIT_IMAGE("/.tmp-repositories.json") {
      @Override
      void run(LayerStore store, Path out) throws IOException {
        try (RWLayer rw = store.getRWLayer("rw")) {
          store.images().commit(rw, CommitImageOptions.builder().reference(NAME).build());
        }
      }
    },
    TAG("/.tmp-repositories.json") {
      @Override
      void run(LayerStore store, Path out) throws IOException {
        store.images().references().addTag(NAME, IMAGE.id(), true);
      }
    },
    UNTAG("/.tmp-repositories.json") {
      @Override
      void run(LayerStore store, Path out) throws IOException {
        store.images().references().remove(ImageReference.parse(SAVED));
      }
    },
    DELETE_IMAGE("-removing") {
      @Override
      void run(LayerStore store, Path out) throws IOException {
        store.images().delete(IMAGE.id(), true);
      }
    },
    PRUNE("-removing") {
      @Override
      void run(LayerStore store, Path out) throws IOException {
        store.images().prune(store.images().planPrune(PruneOptions.EVERYTHING_UNUSED));
      }
    },
    SAVE("") {
      @Override
      void run(LayerStore store, Path out) throws IOException {
        ImageTarget target = ImageTarget.file(out.resolve("file.tar"));
        store.images().save(List.of(SAVED), target, SaveOptions.DEFAULT);
      }
    },
    SAVE_DIRECTORY("") {
      @Override
      void run(LayerStore store, Path out) throws IOException {
        ImageTarget target = ImageTarget.directory(out.resolve("layout"));
        store.images().save(List.of(SAVED), target, SaveOptions.DEFAULT);
      }
    };

    private final String leftover;

    Operation(String leftover) {
      this.leftover = leftover;
    }

    /** Makes what the operation is to mend. */
    void damage(LayerStore store, LeftoverNamesContract contract) throws IOException {}

    /** Does it; {@code out} is a directory outside the root. */
    void run(LayerStore store, Path out) throws IOException {
      StoreOperation.valueOf(name()).run(store);
    }

    private static ImageSource image() {
      return ImageSource.of(ImageFiles.docker(IMAGE, SAVED).toStream());
    }
  }

  /** The root of the store. */
  protected abstract Path root();

  /** Names of the driver's home at rest, from the root, as a regular expression. */
  protected abstract String homeAtRest();

  /** The files of a layer, which are not looked at. */
  protected abstract Path files(String cacheId);

  /** Opens the root, and nothing will go wrong. */
  protected abstract LayerStore openSound() throws LayerStoreException;

  /** Opens the root on new {@link #faults}. */
  protected abstract LayerStore openToKill() throws LayerStoreException;

  /** The files of the store that {@link #openToKill} opened. */
  protected abstract FaultyFileSystem faults();

  /** Steps from one kill to the next. */
  protected abstract int stride();

  private Pattern atRest(String image) {
    return Pattern.compile(
        String.join(
            "|",
            "layerstore\\.lock",
            "tmp",
            homeAtRest(),
            "image",
            image + "(/repositories\\.json)?",
            image + "/layerdb(/(tmp|sha256|mounts))?",
            image + "/layerdb/sha256/" + ID,
            image
                + "/layerdb/sha256/"
                + ID
                + "/(diff|size|cache-id|parent|tar-split\\.json\\.gz|descriptor\\.json)",
            image + "/layerdb/mounts/[a-z]+(/(mount-id|init-id|parent))?",
            image + "/imagedb(/(content|metadata)(/sha256)?)?",
            image + "/imagedb/content/sha256/" + ID,
            image + "/imagedb/metadata/sha256/" + ID + "(/(parent|lastUpdated))?",
            image + "/layerstore-manifests(/" + ID + "(/[0-9]+-sha256-" + ID + ")?)?",
            image + "/distribution(/(diffid-by-digest|v2metadata-by-diffid)(/sha256)?)?",
            image + "/distribution/(diffid-by-digest|v2metadata-by-diffid)/sha256/" + ID));
  }

  private void damage(String cacheId) throws IOException {
    try (Stream<Path> files = Files.walk(files(cacheId))) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        Files.delete(file);
      }
    }
  }

  private void prepare(Operation operation) throws IOException {
    try (LayerStore store = openSound()) {
      for (Image image : store.images().list()) {
        store.images().delete(image.id(), true);
      }
      DistributionMetadata distribution = store.images().distribution();
      distribution.remove(DIFF_ID, SOURCE);
      StoreOperation.prepare(store);
      store.images().load(Operation.image(), LoadOptions.DEFAULT);
      operation.damage(store, this);
    }
  }

  @ParameterizedTest
  @EnumSource
  void open_operationKilledAtAnyStep_leavesOnlyNamesOfAStoreAtRest(Operation operation)
      throws IOException {
    Path out = root().resolveSibling("out");
    Set<String> swept = new TreeSet<>();
    int step = 0;
    while (isKilledAt(step, operation, out, swept)) {
      step += stride();
    }
    assertTrue(step > 0, "no steps");
    if (stride() == 1) {
      assertTrue(
          operation.leftover.isEmpty()
              || swept.stream().anyMatch(name -> name.contains(operation.leftover)),
          () -> "swept: " + swept);
    }
  }

  /** Whether the operation had so many steps that it was killed. */
  private boolean isKilledAt(int step, Operation operation, Path out, Set<String> swept)
      throws IOException {
    prepare(operation);
    TreeDeletion.delete(out);
    Files.createDirectory(out);
    try (LayerStore store = openToKill()) {
      faults().stopAfter(step);
      operation.run(store, faults().wrap(out));
    } catch (IOException e) {
      assertTrue(faults().isStopped(), e.toString());
    }
    swept.addAll(strangers());
    boolean isKilled = faults().isStopped();
    openSound().close();
    assertEquals(Set.of(), strangers(), "after a kill at step " + step);
    if (isKilled && !StoreNames.in(out).isEmpty()) {
      assertOutIsMended(operation, out, "after a kill at step " + step);
    }
    return isKilled;
  }

  private void assertOutIsMended(Operation operation, Path out, String when) throws IOException {
    Path saved = out.resolve("layout");
    // Killed when all was written, and nobody was told: a directory that is complete is kept.
    if (!Files.exists(saved.resolve("index.json"))
        || Files.exists(saved.resolve(".layerstore-unfinished"))) {
      prepare(operation);
      try (LayerStore store = openSound()) {
        operation.run(store, out);
      }
    }
    assertEquals(1, StoreNames.in(out).size(), when);
    Path layout = out.resolve("layout");
    if (Files.exists(layout)) {
      Set<String> files =
          Set.of("blobs", "index.json", "manifest.json", "oci-layout", "repositories");
      assertEquals(files, StoreNames.in(layout), when);
      Set<String> blobs = StoreNames.in(layout.resolve("blobs/sha256"));
      assertTrue(blobs.stream().allMatch(name -> name.matches(ID)), () -> when + blobs);
    }
  }

  private Set<String> strangers() throws IOException {
    String image = Files.isDirectory(root().resolve("image/vfs")) ? "image/vfs" : "image/overlay2";
    Pattern atRest = atRest(image);
    Set<String> names = new TreeSet<>();
    Files.walkFileTree(
        root(),
        new SimpleFileVisitor<Path>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) {
            return visitFile(path, attributes);
          }

          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) {
            String name = root().relativize(path).toString();
            if (!name.isEmpty() && !atRest.matcher(name).matches()) {
              names.add(name);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path path, IOException e) throws IOException {
            if (e instanceof AccessDeniedException) {
              // The kernel's own directory in a work directory, which is closed to its owner.
              return visitFile(path, Files.readAttributes(path, BasicFileAttributes.class));
            }
            throw e;
          }
        });
    return names;
  }
}
