package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.DistributionMetadata.Source;
import io.layerstore.ImageReference;
import io.layerstore.ImportOptions;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FormatVectors;
import io.layerstore.testing.StoreOperation;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every name that an operation leaves when it is killed at whatever change is one that recovery
 * knows: after the next open a store has only names that a store at rest has.
 */
final class LeftoverNamesTest {

  private static final String ID = "[0-9a-f]{64}";

  /** The names of a store at rest, from its root; what is in a layer's files is left out. */
  private static final Pattern AT_REST =
      Pattern.compile(
          String.join(
              "|",
              "layerstore\\.lock",
              "tmp",
              "vfs(/(staging|dir(/(" + ID + "(-init)?(/.*)?))?|attributes(/" + ID + "(-init)?)?))?",
              "image(/vfs(/repositories\\.json)?)?",
              "image/vfs/layerdb(/(tmp|sha256|mounts))?",
              "image/vfs/layerdb/sha256/"
                  + ID
                  + "(/(diff|size|cache-id|parent|tar-split\\.json\\.gz|descriptor\\.json))?",
              "image/vfs/layerdb/mounts/[a-z]+(/(mount-id|init-id|parent))?",
              "image/vfs/imagedb(/(content|metadata)(/sha256)?)?",
              "image/vfs/imagedb/content/sha256/" + ID,
              "image/vfs/imagedb/metadata/sha256/" + ID + "(/(parent|lastUpdated))?",
              "image/vfs/distribution(/(diffid-by-digest|v2metadata-by-diffid)(/sha256(/"
                  + ID
                  + ")?)?)?"));

  /** What is done to a store. */
  private interface Operation {
    void run(LayerStore store) throws IOException;
  }

  private static List<Operation> operations() {
    List<Operation> operations = new ArrayList<>();
    for (StoreOperation operation : StoreOperation.values()) {
      operations.add(operation::run);
    }
    byte[] tar = new TarBuilder().file("imported", "x").end().toBytes();
    ImportOptions options =
        ImportOptions.builder()
            .reference(ImageReference.parse("name:1"))
            .created(Instant.EPOCH)
            .build();
    operations.add(store -> store.images().importRootFs(LayerSource.of(tar), options));
    operations.add(
        store ->
            store
                .images()
                .distribution()
                .add(
                    new DiffId(Digest.sha256Of(tar)),
                    new Source(Digest.sha256Of(tar), "docker.io/library/x", "")));
    return operations;
  }

  /** The names that were there after a kill and not any more after the next open. */
  private static Set<String> sweptAfterAnyKill() throws IOException {
    Set<String> swept = new TreeSet<>();
    for (Operation operation : operations()) {
      boolean isReached = true;
      for (int change = 0; isReached; change++) {
        isReached = killedAt(change, operation, swept);
      }
    }
    return swept;
  }

  @Test
  void open_anyOperationKilledAtAnyChange_leavesOnlyNamesOfAStoreAtRest(@TempDir Path directory)
      throws IOException, InterruptedException {
    Set<String> swept = sweptAfterAnyKill();
    // The kinds of names that were there after a kill and not any more after the next open.
    assertTrue(swept.stream().anyMatch(name -> name.contains("/.tmp-repositories.json")), "names");
    assertTrue(swept.stream().anyMatch(name -> name.contains("/tmp/write-set-")), "write-set");
    assertTrue(swept.stream().anyMatch(name -> name.contains("/tmp/mount-set-")), "mount-set");
    assertTrue(swept.stream().anyMatch(name -> name.startsWith("vfs/staging/")), "staging");
    assertTrue(swept.stream().anyMatch(name -> name.contains("-removing")), "removing");
    assertTrue(
        swept.stream().anyMatch(name -> name.matches(".*/imagedb/content/.*/\\.tmp-.*")), "image");
    assertTrue(
        swept.stream().anyMatch(name -> name.matches(".*/distribution/.*/\\.tmp-.*")), "registry");
    // Last, as it is left out where there is no Python: docs/formats/README.md explains them all.
    for (String name : swept) {
      Files.createDirectories(directory.resolve(name));
    }
    FormatVectors.read("root", directory.toString());
  }

  /** Whether the operation made so many changes that it was killed. */
  private static boolean killedAt(int change, Operation operation, Set<String> swept)
      throws IOException {
    FileSystem memory =
        Jimfs.newFileSystem(
            Configuration.unix().toBuilder()
                .setAttributeViews("basic", "owner", "posix", "unix", "user")
                .setBlockSize(512)
                .build());
    try (memory) {
      Path root = memory.getPath("/store");
      try (LayerStore store = LayerStore.open(root)) {
        StoreOperation.prepare(store);
      }
      FaultyFileSystem faulty = FaultyFileSystem.over(memory);
      try (LayerStore store = LayerStore.open(faulty.wrap(root))) {
        faulty.stopAfter(change);
        operation.run(store);
      } catch (IOException e) {
        assertTrue(faulty.isStopped(), e.toString());
      }
      Set<String> killed = strangers(root);
      LayerStore.open(root).close();
      assertEquals(Set.of(), strangers(root), "after a kill at change " + change);
      swept.addAll(killed);
      return faulty.isStopped();
    }
  }

  private static Set<String> strangers(Path root) throws IOException {
    Set<String> names = new TreeSet<>();
    try (Stream<Path> paths = Files.walk(root)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        String name = root.relativize(path).toString();
        if (!name.isEmpty() && !AT_REST.matcher(name).matches()) {
          names.add(name);
        }
      }
    }
    return names;
  }
}
