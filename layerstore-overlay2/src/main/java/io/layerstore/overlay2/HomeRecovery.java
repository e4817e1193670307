package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.RecoveryReport;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.driver.TemporaryFiles;
import io.layerstore.driver.TreeDeleter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Mends the home when it is opened: names of layers that got lost, directories of mounts that are
 * gone, temporary files. What cannot be mended is reported and left alone.
 *
 * <p>Docker does none of this; a layer whose name in {@code l/} is missing can be neither mounted
 * nor built on there.
 */
final class HomeRecovery {

  /** What choosing a driver tries mounts in begins with this. */
  private static final String TRIAL = "check-overlayfs-support";

  private final LayerDirectories layers;
  private final HomeIndex home;
  private final Set<String> mounted;
  private final List<Finding> findings = new ArrayList<>();

  /**
   * Looks at {@code layers}.
   *
   * @param home says which of them are known to be in order
   * @param mounted the layers that are mounted now
   */
  HomeRecovery(LayerDirectories layers, HomeIndex home, Set<String> mounted) {
    this.layers = layers;
    this.home = home;
    this.mounted = Set.copyOf(mounted);
  }

  RecoveryReport run() throws LayerStoreException {
    restoreLinks();
    for (String id : home.untidy()) {
      removeStaleMount(id);
      deleteTemporaryFiles(id);
    }
    deleteTrials();
    return findings.isEmpty() ? RecoveryReport.CLEAN : new RecoveryReport(findings);
  }

  // ---- names ----

  private void restoreLinks() throws LayerStoreException {
    List<String> nameless = new ArrayList<>();
    for (String id : home.unnamed()) {
      try {
        String link = layers.link(id);
        if (link == null) {
          nameless.add(id);
        } else if (!id.equals(layers.idOfLink(link))) {
          layers.restoreLink(id, link);
          repaired(id, "its name in l/ was missing and was made again");
        }
      } catch (LayerStoreException e) {
        postponed(id, e);
      }
    }
    if (!nameless.isEmpty()) {
      nameAgain(layers.ids(), nameless);
    }
  }

  private void nameAgain(List<String> ids, List<String> nameless) throws LayerStoreException {
    Map<String, List<String>> links = layers.links();
    Map<String, Set<String>> candidates = lostNames(ids);
    for (String id : nameless) {
      try {
        List<String> known = links.getOrDefault(id, List.of());
        String link = known.isEmpty() ? guess(id, nameless, links, candidates) : known.get(0);
        layers.restoreLink(id, link);
        repaired(id, "its file link was missing and was written again");
      } catch (LayerStoreException e) {
        postponed(id, e);
      }
    }
  }

  /**
   * The names that children use and nobody has, each with the names directly below it in the chains
   * it is in.
   */
  private Map<String, Set<String>> lostNames(List<String> ids) {
    Map<String, Set<String>> lost = new HashMap<>();
    for (String id : ids) {
      try {
        List<String> chain = layers.lower(id).links();
        for (int i = 0; i < chain.size(); i++) {
          if (layers.idOfLink(chain.get(i)) == null) {
            String below = new LowerChain(chain.subList(i + 1, chain.size())).toString();
            lost.computeIfAbsent(chain.get(i), key -> new HashSet<>()).add(below);
          }
        }
      } catch (LayerStoreException e) {
        // A damaged chain is found when its layer is used; it tells nothing here.
      }
    }
    return lost;
  }

  /**
   * The one lost name that stands in every chain above exactly the layers that {@code id} stands
   * on, if no other layer without a name could be meant; null for a new name.
   */
  private @Nullable String guess(
      String id,
      List<String> nameless,
      Map<String, List<String>> links,
      Map<String, Set<String>> lost)
      throws LayerStoreException {
    String below = layers.lower(id).toString();
    List<String> fitting =
        lost.entrySet().stream()
            .filter(entry -> entry.getValue().equals(Set.of(below)))
            .map(Map.Entry::getKey)
            .toList();
    int rivals = 0;
    for (String other : nameless) {
      if (!links.containsKey(other) && layers.lower(other).toString().equals(below)) {
        rivals++;
      }
    }
    return fitting.size() == 1 && rivals == 1 ? fitting.get(0) : null;
  }

  // ---- mounts ----

  private void removeStaleMount(String id) {
    if (mounted.contains(id)) {
      return;
    }
    Path merged = layers.layout().merged(id);
    try {
      if (Files.isDirectory(merged, LinkOption.NOFOLLOW_LINKS)) {
        // Of an empty directory only: what stands in it now was put there past the driver.
        Files.delete(merged);
        repaired(id, "the directory of a mount that is gone was removed");
      }
      Files.deleteIfExists(layers.layout().persistent(id));
    } catch (IOException e) {
      postponed(id, e);
    }
  }

  // ---- what is left of a process that was killed ----

  private void deleteTemporaryFiles(String id) {
    try {
      TemporaryFiles.sweep(layers.layout().layer(id));
    } catch (IOException e) {
      postponed(id, e);
    }
  }

  private void deleteTrials() {
    for (String name : home.names()) {
      Path trial = layers.layout().layer(name);
      try {
        if (name.startsWith(TRIAL) && Files.isDirectory(trial, LinkOption.NOFOLLOW_LINKS)) {
          TreeDeleter.delete(trial);
        }
      } catch (IOException e) {
        postponed(name, e);
      }
    }
  }

  private void repaired(String id, String detail) {
    findings.add(new Finding(Kind.DRIVER_REPAIR, id, detail));
  }

  private void postponed(String id, Exception e) {
    findings.add(new Finding(Kind.POSTPONED, id, "could not be repaired: " + e.getMessage()));
  }
}
