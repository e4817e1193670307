package io.layerstore.core.layerdb;

import io.layerstore.ChainId;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.MetadataStore.Leftover;
import io.layerstore.spi.MetadataStore.UnfinishedRWLayer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds what unfinished work has left in a layer database.
 *
 * <p>The ids it reports are for deletion, so it reports an id only if no visible layer or
 * read-write layer uses it: metadata that was copied or tampered with must not lead to the files of
 * another layer. To find out, it reads the ids of all layers, but only when there is a leftover.
 */
final class LeftoverScanner {

  private static final Logger log = LoggerFactory.getLogger(LeftoverScanner.class);

  private final LayerDbLayout layout;
  private final RecordReader reader;

  /** Whether a name in {@code tmp} belongs to work that this process has in hand. */
  private final Predicate<String> isInHand;

  LeftoverScanner(LayerDbLayout layout, RecordReader reader, Predicate<String> isInHand) {
    this.layout = layout;
    this.reader = reader;
    this.isInHand = isInHand;
  }

  List<Leftover> removals() throws IOException {
    List<String> names =
        LayerDbFiles.directories(
            layout.layers(), name -> LayerDbLayout.parseRemovingName(name).isPresent());
    return leftovers(layout.layers(), names, DriverIds::isValid);
  }

  List<Leftover> transactions() throws IOException {
    List<String> names =
        LayerDbFiles.directories(
            layout.tmp(), name -> LayerDbLayout.isWriteSet(name) && !isInHand.test(name));
    // An id of another form than the random ones is a directory that BuildKit made and lends to
    // dockerd; it stays BuildKit's.
    return leftovers(layout.tmp(), names, DriverIds::isMountId);
  }

  private List<Leftover> leftovers(Path directory, List<String> names, Predicate<String> isOurs)
      throws IOException {
    List<Leftover> leftovers = new ArrayList<>();
    if (names.isEmpty()) {
      return leftovers;
    }
    Set<String> inUse = idsInUse();
    for (String name : names) {
      Optional<ChainId> chainId = LayerDbLayout.parseRemovingName(name);
      try {
        @Nullable String id = reader.cacheIdOrNull(directory.resolve(name));
        boolean isFree = id != null && isOurs.test(id) && !inUse.contains(id);
        leftovers.add(new Leftover(name, chainId.orElse(null), isFree ? id : null));
      } catch (IOException e) {
        // Not known to be damaged, so it must keep what may be the only note of its driver id.
        log.warn("cannot read what is left in {}; it stays until the next cleanup", name, e);
      }
    }
    return leftovers;
  }

  List<UnfinishedRWLayer> mounts() throws IOException {
    List<String> names =
        LayerDbFiles.directories(
            layout.tmp(), name -> LayerDbLayout.isMountLeftover(name) && !isInHand.test(name));
    List<UnfinishedRWLayer> mounts = new ArrayList<>();
    if (names.isEmpty()) {
      return mounts;
    }
    Set<String> inUse = idsInUse();
    for (String name : names) {
      try {
        List<String> ids = reader.mountIds(layout.tmp().resolve(name));
        mounts.add(
            new UnfinishedRWLayer(name, ids.stream().filter(id -> !inUse.contains(id)).toList()));
      } catch (IOException e) {
        log.warn("cannot read what is left in {}; it stays until the next cleanup", name, e);
      }
    }
    return mounts;
  }

  /**
   * Every id in the graph driver that a visible layer or read-write layer names, damaged or not, or
   * stands on: where a layer on its way out has something above it, something else than a deletion
   * was under way.
   */
  private Set<String> idsInUse() throws IOException {
    Set<String> ids = new HashSet<>();
    Set<ChainId> visible = new HashSet<>();
    Set<ChainId> parents = new HashSet<>();
    for (String name :
        LayerDbFiles.directories(
            layout.layers(), name -> LayerDbLayout.parseLayerName(name).isPresent())) {
      Path directory = layout.layers().resolve(name);
      LayerDbLayout.parseLayerName(name).ifPresent(visible::add);
      addIfPresent(ids, reader.cacheIdOrNull(directory));
      addIfPresent(parents, reader.parentOrNull(directory));
    }
    for (String name : LayerDbFiles.directories(layout.mounts(), name -> true)) {
      Path directory = layout.mounts().resolve(name);
      ids.addAll(reader.mountIds(directory));
      addIfPresent(parents, reader.parentOrNull(directory));
    }
    parents.removeAll(visible);
    for (String name :
        LayerDbFiles.directories(
            layout.layers(),
            name -> LayerDbLayout.parseRemovingName(name).filter(parents::contains).isPresent())) {
      addIfPresent(ids, reader.cacheIdOrNull(layout.layers().resolve(name)));
    }
    return ids;
  }

  private static <T> void addIfPresent(Set<T> set, @Nullable T element) {
    if (element != null) {
      set.add(element);
    }
  }
}
