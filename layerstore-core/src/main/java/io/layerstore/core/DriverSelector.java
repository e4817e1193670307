package io.layerstore.core;

import io.layerstore.DriverChoice;
import io.layerstore.DriverException;
import io.layerstore.DriverNotSupportedException;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreNotFoundException;
import io.layerstore.StoreOptions;
import io.layerstore.core.share.ClaimKind;
import io.layerstore.core.state.DataRoot;
import io.layerstore.core.state.ForeignContents;
import io.layerstore.core.state.RootContents;
import io.layerstore.core.state.Sharing;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.spi.ProbeResult;
import java.nio.file.FileSystems;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses the graph driver of a store as Docker does, opens it, and says why. Before it has chosen,
 * and where it refuses, it makes nothing.
 *
 * <ol>
 *   <li>A driver that the caller names: that one or none.
 *   <li>A driver whose home under the root has something in it. Two such are an error, and so is
 *       one that cannot be opened: another driver would not see its layers. {@code vfs} does not
 *       count here.
 *   <li>{@code vfs}, if it has a store; then any other that has a layer database. Docker does not
 *       look, and so forgets them; this is an addition.
 *   <li>In a root that is empty, or where the caller wants a store whatever there is: {@code vfs},
 *       if the root is not on the default file system, else the first of {@code overlay2}, {@code
 *       vfs} and the others by name that is supported.
 *   <li>Any other root is somebody else's, and refused.
 * </ol>
 *
 * <p>Where it differs from Docker otherwise: a home of a driver of Docker's that is not on the
 * class path counts, and is an error.
 *
 * <p>Mirrors {@code graphdriver.New} of moby v28.5.
 */
final class DriverSelector {

  private static final Logger log = LoggerFactory.getLogger(DriverSelector.class);

  /** In Docker's order; what no provider is there for comes last. */
  private static final List<String> PRIORITY = List.of(DataRoot.OVERLAY2, DataRoot.VFS);

  private static final Set<String> REMOVED = Set.of("aufs", "devicemapper", "overlay");

  /**
   * An open driver, and why it is this one.
   *
   * @param driver the driver; the caller closes it
   * @param choice why it was chosen
   */
  record Selection(GraphDriver driver, DriverChoice choice) {}

  /**
   * A driver that is to be opened, and why.
   *
   * @param provider what opens it; null for the first that is supported
   */
  private record Decision(@Nullable GraphDriverProvider provider, String reason) {}

  private final StoreOptions options;
  private final RootContents contents;
  private Sharing sharing;
  private final Map<String, GraphDriverProvider> providers = new LinkedHashMap<>();
  private final Map<String, String> rejected = new TreeMap<>();

  private DriverSelector(StoreOptions options, Collection<GraphDriverProvider> found)
      throws LayerStoreException {
    this.options = options;
    found.stream()
        .sorted(
            Comparator.<GraphDriverProvider>comparingInt(p -> priority(p.name()))
                .thenComparing(GraphDriverProvider::name))
        .forEach(provider -> providers.putIfAbsent(provider.name(), provider));
    this.contents = RootContents.look(options, providers.keySet());
    this.sharing = new Sharing(options.root(), null);
  }

  private static int priority(String name) {
    int index = PRIORITY.indexOf(name);
    return index >= 0 ? index : PRIORITY.size();
  }

  /**
   * Looks at a root, and refuses one that {@link #select} would refuse for what is in it. Changes
   * nothing.
   *
   * @return what is in it
   * @throws StoreNotFoundException if it is somebody else's
   * @throws StoreNotFoundException if there is none, and none is to be made
   * @throws DriverException if no driver can be chosen for it
   */
  static RootContents requireUsable(StoreOptions options) throws LayerStoreException {
    DriverSelector selector = new DriverSelector(options, DriverProviders.load().providers());
    selector.decide();
    return selector.contents;
  }

  /**
   * Chooses among the drivers on the class path or module path, and opens one.
   *
   * @throws StoreNotFoundException if the root is somebody else's
   * @throws StoreNotFoundException if there is no store, and none is to be made
   * @throws DriverException if none can be used
   */
  static Selection select(StoreOptions options, Sharing sharing) throws LayerStoreException {
    DriverProviders found = DriverProviders.load();
    return select(options, found.providers(), found.broken(), sharing);
  }

  /**
   * Chooses among {@code providers}, and opens one. Of two of the same name the first counts.
   *
   * @throws StoreNotFoundException if the root is somebody else's
   * @throws StoreNotFoundException if there is no store, and none is to be made
   * @throws DriverException if none can be used
   */
  static Selection select(StoreOptions options, List<GraphDriverProvider> providers)
      throws LayerStoreException {
    return select(options, providers, Map.of(), new Sharing(options.root(), null));
  }

  private static Selection select(
      StoreOptions options,
      List<GraphDriverProvider> providers,
      Map<String, String> broken,
      Sharing sharing)
      throws LayerStoreException {
    DriverSelector selector = new DriverSelector(options, providers);
    selector.sharing = sharing;
    selector.rejected.putAll(broken);
    Decision decision = selector.decide();
    selector.warnOfSecondStore(decision);
    return decision.provider() == null
        ? selector.openFirstSupported()
        : selector.open(decision.provider(), decision.reason());
  }

  private Decision decide() throws LayerStoreException {
    @Nullable String named = options.driver().orElse(null);
    if (named != null) {
      return new Decision(requireNamed(named), "named by the caller");
    }
    Optional<String> prior = findPrior().or(this::findDatabase);
    if (prior.isPresent()) {
      noteOtherStores(prior.get());
      return new Decision(requireInstalled(prior.get()), "it has a store under the root already");
    }
    requireMayCreate(false);
    if (options.root().getFileSystem() != FileSystems.getDefault()) {
      return new Decision(
          requireProvider(DataRoot.VFS),
          "the root is not on the default file system, where others need it");
    }
    return new Decision(null, "");
  }

  private GraphDriverProvider requireNamed(String name) throws LayerStoreException {
    GraphDriverProvider provider = requireProvider(name);
    noteOtherStores(name);
    if (!contents.hasStore(name)) {
      requireMayCreate(true);
    }
    return provider;
  }

  /** Refuses to make a store, or to show an empty one, in a root that is not for that. */
  private void requireMayCreate(boolean isDriverNamed) throws StoreNotFoundException {
    if (contents.isEmpty()) {
      if (!options.readOnly() && options.creation() == StoreOptions.Creation.NEVER) {
        throw new StoreNotFoundException(options.root());
      }
      return;
    }
    if (options.readOnly()
        || options.creation() == StoreOptions.Creation.NEVER
        || (options.creation() != StoreOptions.Creation.ANYWHERE && !isDriverNamed)) {
      throw new StoreNotFoundException(
          options.root(),
          options.driver().orElse(null),
          ForeignContents.describe(options.root(), contents),
          advice());
    }
  }

  private String advice() {
    return options.readOnly() || options.creation() == StoreOptions.Creation.NEVER
        ? "give the root of a store"
        : "use another directory; to make a store beside that, name the driver or ask for it"
            + " (create, --init)";
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
    Set<String> known = new TreeSet<>(DataRoot.DOCKER_DRIVERS);
    known.addAll(providers.keySet());
    known.remove(DataRoot.VFS);
    List<String> priors =
        known.stream().filter(name -> contents.hasHome(name) && contents.hasStore(name)).toList();
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

  /** A driver that is installed and has a store that Docker would not look for. */
  private Optional<String> findDatabase() {
    return contents.hasStore(DataRoot.VFS)
        ? Optional.of(DataRoot.VFS)
        : providers.keySet().stream().filter(contents::hasMetadata).findFirst();
  }

  private GraphDriverProvider requireInstalled(String prior) throws DriverException {
    @Nullable GraphDriverProvider provider = providers.get(prior);
    if (provider == null) {
      throw new DriverNotSupportedException(
          prior,
          options.root()
              + " has "
              + ForeignContents.describeDriver(options.root(), prior)
              + ", which is not installed; add it, use another root, or name one of the installed"
              + " drivers: "
              + installed());
    }
    return provider;
  }

  /** Says what the caller will not see. */
  private void noteOtherStores(String chosen) {
    for (String name : otherStores(chosen)) {
      rejected.put(
          name,
          "it has a store under the root too, but "
              + chosen
              + (options.driver().filter(chosen::equals).isPresent()
                  ? " is named"
                  : " goes first, as in Docker"));
    }
  }

  private List<String> otherStores(String chosen) {
    return providers.keySet().stream()
        .filter(name -> !name.equals(chosen) && contents.hasStore(name))
        .toList();
  }

  /** An empty store beside a full one must not come up in silence. */
  private void warnOfSecondStore(Decision decision) {
    GraphDriverProvider provider = decision.provider();
    if (provider == null || contents.hasStore(provider.name())) {
      return;
    }
    List<String> others = otherStores(provider.name());
    if (!others.isEmpty()) {
      log.warn(
          "creating a store of driver {} at {}, which has one of {} already; the new one does not show what is in that",
          provider.name(),
          options.root(),
          String.join(", ", others));
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
    return DriverContext.builder(options.root(), home(provider.name()))
        .options(options.driverOptions())
        .idMapping(options.idMapping())
        .durability(options.durability())
        .readOnly(options.readOnly())
        .others(new OtherStores(sharing))
        .build();
  }

  private Path home(String name) {
    return options.root().resolve(name);
  }

  /** What a driver is told of the other stores on its root. */
  private record OtherStores(Sharing sharing) implements DriverContext.Others {

    @Override
    public boolean arePresent() {
      return !sharing.isFirst();
    }

    @Override
    public boolean areMany() {
      return sharing.hasOthers();
    }

    @Override
    public List<String> mounting(String id) {
      return sharing.holders(ClaimKind.MOUNT, id);
    }
  }
}
