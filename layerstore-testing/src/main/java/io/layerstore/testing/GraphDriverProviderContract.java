package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.DriverException;
import io.layerstore.Durability;
import io.layerstore.IdMapping;
import io.layerstore.LayerStoreException;
import io.layerstore.MountOptions;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.spi.TreeWriter;
import io.layerstore.spi.UnmappableIdException;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * What every provider of a graph driver must do: each sentence of {@link GraphDriverProvider} and
 * of {@link DriverContext} as tests.
 *
 * <p>The place that {@link #newRoot} gives must be one where the driver is supported.
 */
public abstract class GraphDriverProviderContract {

  /** An id that no mapping of a test has. */
  private static final int OUTSIDE = 4_000_000;

  private Path root;
  private GraphDriverProvider provider;

  /** A new provider. */
  protected abstract GraphDriverProvider newProvider();

  /** An empty directory for one test. */
  protected abstract Path newRoot() throws IOException;

  /** Whether the driver keeps beside its files, and shows, owners that they cannot have. */
  protected boolean showsWhatFilesLack() {
    return true;
  }

  /** A mapping that this user may use; has more than the id 0. */
  protected IdMapping mapping() {
    return new IdMapping(
        List.of(new IdMapping.Range(0, 100_000, 65_536)),
        List.of(new IdMapping.Range(0, 200_000, 65_536)));
  }

  /**
   * Whether an owner outside the mapping is an error. Where only one user's files can be made, it
   * is a warning, and the file belongs to that user.
   */
  protected boolean refusesOwnersOutsideTheMapping() {
    return true;
  }

  /** With which this process can read all files of the layers that it makes without a mapping. */
  protected Map<String, String> options() {
    return Map.of();
  }

  @BeforeEach
  final void makeRoot() throws IOException {
    provider = newProvider();
    root = Files.createDirectory(newRoot().resolve("store"));
  }

  private DriverContext context(
      Map<String, String> options, IdMapping idMapping, boolean readOnly) {
    Path home = root.resolve(provider.name());
    return DriverContext.builder(root, home)
        .options(options)
        .idMapping(idMapping)
        .durability(Durability.NONE)
        .readOnly(readOnly)
        .build();
  }

  private DriverContext context() {
    return context(options(), IdMapping.IDENTITY, false);
  }

  private DriverContext readOnlyContext() {
    return context(options(), IdMapping.IDENTITY, true);
  }

  /** Everything in the root, with what would show that it was changed. */
  private SortedMap<String, String> look() throws IOException {
    SortedMap<String, String> found = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(root)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        found.put(
            root.relativize(path).toString(),
            Files.readAttributes(
                    path, "posix:permissions,lastModifiedTime,size", LinkOption.NOFOLLOW_LINKS)
                .toString());
      }
    }
    return found;
  }

  private static void write(GraphDriver driver, String id, TreeChange... changes)
      throws IOException {
    driver.create(id, null, CreateOptions.DEFAULT);
    try (TreeWriter writer = driver.openWriter(id, null, new RecordingWriteContext())) {
      for (TreeChange change : changes) {
        change.writeTo(writer);
      }
      writer.finish(0);
    }
  }

  @Nested
  class Discovery {

    @Test
    void provider_always_canBeMadeByTheServiceLoader() throws ReflectiveOperationException {
      Class<?> type = provider.getClass();
      assertTrue(Modifier.isPublic(type.getModifiers()));
      assertTrue(Modifier.isPublic(type.getConstructor().getModifiers()));
    }

    @Test
    void provider_onClassPath_isFound() {
      List<? extends Class<?>> found =
          ServiceLoader.load(GraphDriverProvider.class).stream()
              .map(ServiceLoader.Provider::type)
              .toList();
      assertTrue(found.contains(provider.getClass()), found.toString());
    }

    @Test
    void name_ofProvider_isTheDriversName() throws IOException {
      try (GraphDriver driver = provider.open(context())) {
        assertEquals(provider.name(), driver.name());
      }
    }
  }

  @Nested
  class Probe {

    @Test
    void probe_supportedPlace_saysSoAndLeavesNothing() throws IOException {
      SortedMap<String, String> before = look();
      assertTrue(provider.probe(context()).isSupported(), provider.probe(context()).detail());
      assertEquals(before.keySet(), look().keySet());
    }

    @Test
    void probe_always_givesADetail() {
      assertFalse(provider.probe(context()).detail().isBlank());
    }

    @Test
    void probe_homeWithLayers_leavesThemAsTheyAre() throws IOException {
      try (GraphDriver driver = provider.open(context())) {
        write(driver, "one", file("f", "x"));
      }
      SortedMap<String, String> before = look();
      assertTrue(provider.probe(context()).isSupported());
      assertEquals(before.keySet(), look().keySet());
    }

    @Test
    void probe_readOnly_writesNothing() throws IOException {
      SortedMap<String, String> before = look();
      provider.probe(readOnlyContext());
      assertEquals(before, look());
    }

    @Test
    void probe_homeThatIsAFile_answersWithoutThrowing() throws IOException {
      Files.writeString(root.resolve(provider.name()), "in the way");
      assertFalse(provider.probe(context()).detail().isBlank());
    }
  }

  @Nested
  class Open {

    @Test
    void open_noHome_createsIt() throws IOException {
      provider.open(context()).close();
      assertTrue(Files.isDirectory(root.resolve(provider.name())));
    }

    @Test
    void open_homeThatIsAFile_throwsAndLeavesIt() throws IOException {
      Path file = Files.writeString(root.resolve(provider.name()), "in the way");
      assertThrows(DriverException.class, () -> provider.open(context()).close());
      assertEquals("in the way", Files.readString(file));
    }

    @Test
    void open_homeThatIsALink_throwsAndLeavesWhatItIsTo() throws IOException {
      Path elsewhere = Files.createDirectory(root.resolveSibling("elsewhere"));
      Files.createSymbolicLink(root.resolve(provider.name()), elsewhere);
      assertThrows(DriverException.class, () -> provider.open(context()).close());
      try (Stream<Path> entries = Files.list(elsewhere)) {
        assertEquals(0, entries.count());
      }
    }

    @Test
    void open_unknownOption_throwsAndLeavesNothing() throws IOException {
      SortedMap<String, String> before = look();
      DriverContext context =
          context(Map.of(provider.name() + ".colour", "red"), IdMapping.IDENTITY, false);
      DriverException thrown =
          assertThrows(DriverException.class, () -> provider.open(context).close());
      assertTrue(thrown.getMessage().contains("colour"), thrown.getMessage());
      assertEquals(before.keySet(), look().keySet());
    }
  }

  @Nested
  class ReadOnly {

    @Test
    void open_readOnlyWithoutHome_createsNothing() throws IOException {
      SortedMap<String, String> before = look();
      try (GraphDriver driver = provider.open(readOnlyContext())) {
        assertEquals(List.of(), driver.ids());
      }
      assertEquals(before, look());
    }

    @Test
    void open_readOnly_showsLayersAndWritesNothing() throws IOException {
      TreeChange[] changes;
      try (GraphDriver driver = provider.open(context())) {
        int owner = driver.traits().keepsOwners() || showsWhatFilesLack() ? 5 : 0;
        changes =
            new TreeChange[] {
              dir("d").mode(0700).owner(owner, owner), file("d/f", "x"), symlink("l", "d")
            };
        write(driver, "one", changes);
      }
      SortedMap<String, String> before = look();
      try (GraphDriver driver = provider.open(readOnlyContext())) {
        assertEquals(List.of("one"), driver.ids());
        assertTrue(driver.exists("one"));
        TreeModel.of(changes).snapshot().assertShownBy(driver, "one");
      }
      assertEquals(before, look());
    }

    @Test
    void everyChange_readOnly_isRefusedAndChangesNothing() throws IOException {
      try (GraphDriver driver = provider.open(context())) {
        write(driver, "one", file("f", "x"));
      }
      SortedMap<String, String> before = look();
      try (GraphDriver driver = provider.open(readOnlyContext())) {
        assertThrows(
            LayerStoreException.class, () -> driver.create("two", null, CreateOptions.DEFAULT));
        assertThrows(
            LayerStoreException.class,
            () -> driver.createReadWrite("two", "one", CreateOptions.DEFAULT));
        assertThrows(LayerStoreException.class, () -> driver.remove("one"));
        assertThrows(
            LayerStoreException.class,
            () -> driver.openWriter("one", null, new RecordingWriteContext()).close());
      }
      assertEquals(before, look());
    }
  }

  @Nested
  class Mapping {

    private GraphDriver openMapped() throws LayerStoreException {
      return provider.open(context(Map.of(), mapping(), false));
    }

    @Test
    void tree_mappedDriver_showsTheOwnersInsideTheLayer() throws IOException {
      TreeChange[] changes = {
        dir("d").owner(0, 0), file("d/f", "x").owner(1000, 1001), file("g", "y").owner(65534, 5)
      };
      try (GraphDriver driver = openMapped()) {
        write(driver, "one", changes);
        TreeModel.of(changes).snapshot().assertShownBy(driver, "one");
      }
    }

    @Test
    void write_mappedDriver_givesFilesTheOwnersOnTheHost() throws IOException {
      try (GraphDriver driver = openMapped()) {
        assumeTrue(driver.traits().keepsOwners(), "files do not keep their owners here");
        write(driver, "one", file("f", "x").owner(1000, 1001));
        Path mounted = driver.mount("one", MountOptions.DEFAULT);
        assertEquals(
            (int) mapping().uidToHost(1000).orElseThrow(),
            Files.getAttribute(mounted.resolve("f"), "unix:uid"));
        assertEquals(
            (int) mapping().gidToHost(1001).orElseThrow(),
            Files.getAttribute(mounted.resolve("f"), "unix:gid"));
        driver.unmount("one");
      }
    }

    @Test
    void write_ownerOutsideTheMapping_isRefusedOrWarnedOf() throws IOException {
      try (GraphDriver driver = openMapped()) {
        assumeTrue(driver.traits().keepsOwners(), "files do not keep their owners here");
        if (!refusesOwnersOutsideTheMapping()) {
          driver.create("one", null, CreateOptions.DEFAULT);
          RecordingWriteContext context = new RecordingWriteContext();
          try (TreeWriter writer = driver.openWriter("one", null, context)) {
            file("f", "x").owner(OUTSIDE, 0).writeTo(writer);
            writer.finish(0);
          }
          assertEquals(1, context.warnings().size());
          return;
        }
        UnmappableIdException thrown =
            assertThrows(
                UnmappableIdException.class,
                () -> write(driver, "one", file("f", "x").owner(OUTSIDE, 0)));
        assertTrue(thrown.getMessage().contains(Integer.toString(OUTSIDE)), thrown.getMessage());
        driver.remove("one");
        assertFalse(driver.exists("one"));
      }
    }
  }
}
