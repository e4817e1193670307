package io.layerstore.core;

import io.layerstore.DriverChoice;
import io.layerstore.DriverException;
import io.layerstore.DriverNotSupportedException;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreOptions;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.spi.ProbeResult;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the graph driver of a store as Docker does, opens it, and says why.
 *
 * <ol>
 *   <li>A driver that the caller names: that one or none.
 *   <li>A driver whose home under the root has something in it. Two such are an error, and so is
 *       one that cannot be opened: another driver would not see its layers. {@code vfs} does not
 *       count here.
 *   <li>{@code vfs}, if it has layers. Docker does not look, and so forgets them; this is an
 *       addition.
 *   <li>{@code vfs}, if the root is not on the default file system.
 *   <li>The first of {@code overlay2}, {@code vfs} and the others by name that is supported.
 * </ol>
 *
 * <p>Where it differs from Docker otherwise: a home of a driver of Docker's that is not on the
 * class path counts, and is an error.
 *
 * <p>Mirrors {@code graphdriver.New} of moby v28.5.
 */
public final class DriverSelector {

  private static final String OVERLAY2 = "overlay2";
  private static final String VFS = "vfs";

  /** In Docker's order; what no provider is there for comes last. */
  private static final List<String> PRIORITY = List.of(OVERLAY2, VFS);

  /**
   * Drivers of Docker's whose layers a root may hold. {@code vfs} is not among them, as in Docker.
   */
  private static final List<String> DOCKER_DRIVERS =
      List.of(OVERLAY2, "fuse-overlayfs", "btrfs", "zfs");

  private static final Set<String> REMOVED = Set.of("aufs", "devicemapper", "overlay");

  /**
   * An open driver, and why it is this one.
   *
   * @param driver the driver; the caller closes it
   * @param choice why it was chosen
   */
  public record Selection(GraphDriver driver, DriverChoice choice) {}

  private final StoreOptions options;
  private final Map<String, GraphDriverProvider> providers = new LinkedHashMap<>();
  private final Map<String, String> rejected = new TreeMap<>();

  private DriverSelector(StoreOptions options, Collection<GraphDriverProvider> found) {
    this.options = options;
    found.stream()
        .sorted(
            Comparator.<GraphDriverProvider>comparingInt(p -> priority(p.name()))
                .thenComparing(GraphDriverProvider::name))
        .forEach(provider -> providers.putIfAbsent(provider.name(), provider));
  }

  private static int priority(String name) {
    int index = PRIORITY.indexOf(name);
    return index >= 0 ? index : PRIORITY.size();
  }

  /**
   * Chooses among the drivers on the class path or module path, and opens one.
   *
   * @throws DriverException if none can be used
   */
  public static Selection select(StoreOptions options) throws LayerStoreException {
    DriverProviders found = DriverProviders.load();
    return select(options, found.providers(), found.broken());
  }

  /**
   * Chooses among {@code providers}, and opens one. Of two of the same name the first counts.
   *
   * @throws DriverException if none can be used
   */
  public static Selection select(StoreOptions options, List<GraphDriverProvider> providers)
      throws LayerStoreException {
    return select(options, providers, Map.of());
  }

  private static Selection select(
      StoreOptions options, List<GraphDriverProvider> providers, Map<String, String> broken)
      throws LayerStoreException {
    DriverSelector selector = new DriverSelector(options, providers);
    selector.rejected.putAll(broken);
    return selector.select();
  }

  private Selection select() throws LayerStoreException {
    @Nullable String named = options.driver();
    if (named != null) {
      return open(requireProvider(named), "named by the caller");
    }
    Optional<String> prior = findPrior();
    if (prior.isPresent()) {
      noteUncountedVfs(prior.get());
      return open(requireInstalled(prior.get()), "it has layers under the root already");
    }
    if (hasVfsState()) {
      return open(requireProvider(VFS), "it has layers under the root already");
    }
    if (options.root().getFileSystem() != FileSystems.getDefault()) {
      return open(
          requireProvider(VFS), "the root is not on the default file system, where others need it");
    }
    return openFirstSupported();
  }

  private GraphDriverProvider requireProvider(String name) throws DriverException {
    if (REMOVED.contains(name)) {
      throw new DriverException(
          name,
          null,
          "[graphdriver] ERROR: the "
              + name
              + " storage-driver has been deprecated and removed; visit"
              + " https://docs.docker.com/go/storage-driver/ for more information",
          null);
    }
    @Nullable GraphDriverProvider provider = providers.get(name);
    if (provider == null) {
      throw new DriverNotSupportedException(name, "it is not installed; there is " + installed());
    }
    return provider;
  }

  private String installed() {
    return providers.isEmpty() ? "none" : String.join(", ", providers.keySet());
  }

  /** The one driver that has state under the root, installed or not. */
  private Optional<String> findPrior() throws LayerStoreException {
    Set<String> known = new TreeSet<>(DOCKER_DRIVERS);
    known.addAll(providers.keySet());
    known.remove(VFS);
    List<String> priors = new ArrayList<>();
    for (String name : known) {
      if (isNonEmptyDirectory(home(name))) {
        priors.add(name);
      }
    }
    if (priors.size() > 1) {
      String names = String.join(", ", priors);
      throw new DriverException(
          names,
          null,
          options.root()
              + " contains several valid graphdrivers: "
              + names
              + "; cleanup or explicitly choose storage driver (-s <DRIVER>)",
          null);
    }
    return priors.stream().findFirst();
  }

  private GraphDriverProvider requireInstalled(String prior) throws DriverException {
    @Nullable GraphDriverProvider provider = providers.get(prior);
    if (provider == null) {
      throw new DriverNotSupportedException(
          prior,
          home(prior)
              + " has layers of this driver, and it is not installed; add it, use another root, or"
              + " name one of the installed drivers: "
              + installed());
    }
    return provider;
  }

  private boolean hasVfsState() throws LayerStoreException {
    return isNonEmptyDirectory(home(VFS).resolve("dir"))
        || isNonEmptyDirectory(options.root().resolve(options.metadataPath(VFS)));
  }

  private void noteUncountedVfs(String chosen) throws LayerStoreException {
    if (hasVfsState()) {
      rejected.put(
          VFS, "it has layers under the root too, but " + chosen + " goes first, as in Docker");
    }
  }

  private Selection openFirstSupported() throws LayerStoreException {
    List<DriverNotSupportedException> failures = new ArrayList<>();
    for (GraphDriverProvider provider : providers.values()) {
      String name = provider.name();
      ProbeResult probe = provider.probe(context(provider));
      if (!probe.isSupported()) {
        rejected.put(name, probe.detail());
        continue;
      }
      try {
        return open(provider, "the first supported driver: " + probe.detail());
      } catch (DriverNotSupportedException e) {
        rejected.put(name, e.reason());
        failures.add(e);
      }
    }
    DriverException failure =
        new DriverException(
            "graphdriver", null, "no supported storage driver found " + rejected, null);
    failures.forEach(failure::addSuppressed);
    throw failure;
  }

  private Selection open(GraphDriverProvider provider, String reason) throws LayerStoreException {
    GraphDriver driver = provider.open(context(provider));
    return new Selection(driver, new DriverChoice(provider.name(), reason, rejected));
  }

  private DriverContext context(GraphDriverProvider provider) {
    return new DriverContext(
        options.root(),
        home(provider.name()),
        options.driverOptions(),
        options.idMapping(),
        options.durability(),
        options.readOnly());
  }

  private Path home(String name) {
    return options.root().resolve(name);
  }

  /** Whether something is in there. What cannot be read counts, as in Docker: it may be. */
  private static boolean isNonEmptyDirectory(Path directory) {
    if (!Files.isDirectory(directory)) {
      return false;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      return entries.iterator().hasNext();
    } catch (IOException e) {
      return true;
    }
  }
}
