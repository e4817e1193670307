package io.layerstore.overlay2;

import io.layerstore.DriverException;
import io.layerstore.Durability;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreCorruptedException;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.Closing;
import io.layerstore.driver.DamagedFiles;
import io.layerstore.driver.KeyedLock;
import io.layerstore.overlay2.linux.LinkName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The directories and small files of layers: makes them, reads them, takes them back.
 *
 * <p>A layer is made in the order in which Docker makes it, so that a crash leaves only what Docker
 * could have left; each file appears whole. Safe for use by many threads on different ids.
 */
final class LayerDirectories {

  /** What is wrong with a layer that is not there. */
  static final String MISSING = "does not exist";

  private static final int MAX_LINK_BYTES = 4096;
  private static final int MAX_LOWER_BYTES = 1 << 20;

  private final Overlay2Layout layout;
  private final HostOwners owners;
  private final Durability durability;
  private final KeyedLock<String> parents = new KeyedLock<>();

  /** Whether forcing what was changed last forces all names; null until that was looked at. */
  private volatile @Nullable Boolean isOrdered;

  LayerDirectories(Overlay2Layout layout, HostOwners owners, Durability durability) {
    this.layout = layout;
    this.owners = owners;
    this.durability = durability;
  }

  Overlay2Layout layout() {
    return layout;
  }

  // ---- looking ----

  boolean exists(String id) {
    return Files.isDirectory(
            layout.layer(Overlay2Layout.requireValid(id)), LinkOption.NOFOLLOW_LINKS)
        && Files.isDirectory(layout.diff(id), LinkOption.NOFOLLOW_LINKS);
  }

  void requireExists(String id) throws DriverException {
    if (!exists(id)) {
      throw failure(id, MISSING, null);
    }
  }

  /** The ids of all layers, sorted. */
  List<String> ids() throws LayerStoreException {
    return names().stream().filter(this::exists).toList();
  }

  /** The names in the home that can be those of layers, sorted. */
  List<String> names() throws LayerStoreException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(layout.home())) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        if (Overlay2Layout.isValid(name)) {
          names.add(name);
        }
      }
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException | DirectoryIteratorException e) {
      throw failure(null, "cannot list the layers", e);
    }
    names.sort(null);
    return names;
  }

  /** The layers below {@code id}. */
  LowerChain lower(String id) throws LayerStoreException {
    String text = lowerText(id);
    return text == null ? LowerChain.NONE : LowerChain.parse(text, layout.lowerFile(id).toString());
  }

  /** The file {@code lower}, unchecked; null if there is none. */
  private @Nullable String lowerText(String id) throws LayerStoreException {
    Path file = layout.lowerFile(id);
    try {
      return new String(AtomicFiles.read(file, MAX_LOWER_BYTES), StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      return null;
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw failure(id, "cannot read " + file, e);
    }
  }

  /** The name of {@code id} in {@code l/}; null if it has none. */
  @Nullable String link(String id) throws LayerStoreException {
    Path file = layout.linkFile(id);
    byte[] content;
    try {
      content = AtomicFiles.read(file, MAX_LINK_BYTES);
    } catch (NoSuchFileException e) {
      return null;
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw failure(id, "cannot read " + file, e);
    }
    String link = new String(content, StandardCharsets.ISO_8859_1).strip();
    return LinkName.isValid(link) ? link : null;
  }

  private String requireLink(String id) throws LayerStoreException {
    String link = link(id);
    if (link == null) {
      throw new StoreCorruptedException(
          layout.linkFile(id).toString(), "the layer has no name in l/");
    }
    return link;
  }

  /** The layer that a name in {@code l/} leads to; null if there is none. */
  @Nullable String idOfLink(String link) throws LayerStoreException {
    try {
      return Overlay2Layout.idOfTarget(Files.readSymbolicLink(layout.link(link)).toString());
    } catch (NoSuchFileException | NotLinkException e) {
      return null;
    } catch (IOException e) {
      throw failure(null, "cannot read " + layout.link(link), e);
    }
  }

  /** Whether {@code parent} is the layer directly below {@code id}, or null and there is none. */
  boolean isParent(String id, @Nullable String parent) throws LayerStoreException {
    LowerChain lower = lower(id);
    if (parent == null || lower.isEmpty()) {
      return parent == null && lower.isEmpty();
    }
    return parent.equals(idOfLink(lower.links().get(0)));
  }

  /** The layer directly below {@code id}; empty if there is none, or its link is gone. */
  Optional<String> parent(String id) throws LayerStoreException {
    requireExists(id);
    LowerChain lower = lower(id);
    return lower.isEmpty() ? Optional.empty() : Optional.ofNullable(idOfLink(lower.links().get(0)));
  }

  /** What is wrong with the small files of {@code id}, on {@code parent}; empty if nothing is. */
  Optional<String> problem(String id, @Nullable String parent) {
    try {
      if (!exists(id)) {
        return Optional.of("its files are gone from the driver");
      }
      String link = link(id);
      if (link == null || !id.equals(idOfLink(link))) {
        return Optional.of("it has no name in l/, so nothing can be on it");
      }
      return problemOfLower(lower(id), parent);
    } catch (LayerStoreException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private Optional<String> problemOfLower(LowerChain lower, @Nullable String parent)
      throws LayerStoreException {
    if (parent == null) {
      return lower.isEmpty()
          ? Optional.empty()
          : Optional.of("its file lower names layers below, and its metadata none");
    }
    LowerChain below = lower(parent);
    String link = link(parent);
    // The parent was looked at itself, so this is enough for a whole chain but where it was healed.
    if (link != null && lower.equals(below.below(link))) {
      return Optional.empty();
    }
    if (lower.links().size() != below.links().size() + 1) {
      return Optional.of("its file lower does not name all layers below");
    }
    for (String name : lower.links()) {
      String found = idOfLink(name);
      if (found == null || !exists(found)) {
        return Optional.of("its file lower names l/" + name + ", where no layer is");
      }
    }
    return Optional.empty();
  }

  /**
   * Whether the layer's {@code lower} is, to the letter, the name of {@code parent} and then its
   * {@code lower}: so it is as sound as that.
   */
  boolean isDirectlyOn(String id, @Nullable String parent) throws LayerStoreException {
    String lower = lowerText(id);
    if (parent == null || lower == null) {
      return parent == null && lower == null;
    }
    String link = link(parent);
    String below = lowerText(parent);
    return link != null && lower.equals("l/" + link + (below == null ? "" : ":" + below));
  }

  /** Looks at the mark as Docker does. */
  boolean isCommitted(String id) {
    return Files.exists(layout.committed(id));
  }

  /** What {@code docker inspect} shows. */
  Map<String, String> metadata(String id) throws LayerStoreException {
    requireExists(id);
    Map<String, String> metadata = new LinkedHashMap<>();
    LowerChain lower = lower(id);
    if (!lower.isEmpty()) {
      List<String> directories = new ArrayList<>();
      for (String link : lower.links()) {
        String lowerId = idOfLink(link);
        if (lowerId == null) {
          throw new StoreCorruptedException(
              layout.link(link).toString(), "a layer below " + id + " is missing");
        }
        directories.add(layout.diff(lowerId).toString());
      }
      metadata.put("LowerDir", String.join(":", directories));
    }
    metadata.put("MergedDir", layout.merged(id).toString());
    metadata.put("UpperDir", layout.diff(id).toString());
    metadata.put("WorkDir", layout.work(id).toString());
    return metadata;
  }

  // ---- making ----

  /**
   * Makes an empty layer.
   *
   * @param forcing how durable it is when this returns
   * @throws LayerStoreException if that fails; nothing is left of it
   */
  void create(String id, @Nullable String parent, Durability forcing) throws LayerStoreException {
    if (parent == null) {
      create(id, null, LowerChain.NONE, forcing);
      return;
    }
    requireExists(parent);
    KeyedLock.Held held = parents.acquire(parent);
    try (held) {
      create(id, parent, lower(parent).below(requireLink(parent)), forcing);
    }
  }

  private void create(String id, @Nullable String parent, LowerChain lower, Durability forcing)
      throws LayerStoreException {
    Deque<Path> made = new ArrayDeque<>();
    try {
      makeDirectory(made, layout.layer(id), Overlay2Layout.LAYER_MODE);
      owners.giveLayerDirectory(layout.layer(id));
      makeDirectory(made, layout.diff(id), Overlay2Layout.DIFF_MODE);
      owners.giveToRoot(layout.diff(id));
      String link = makeLink(made, id);
      makeFile(made, layout.linkFile(id), link, Overlay2Layout.FILE_MODE, forcing);
      if (parent != null) {
        makeDirectory(made, layout.work(id), Overlay2Layout.WORK_MODE);
        owners.giveToRoot(layout.work(id));
        if (!isCommitted(parent)) {
          makeFile(made, layout.committed(parent), "", Overlay2Layout.MARK_MODE, forcing);
          forceUnlessOrdered(layout.layer(parent), forcing);
        }
        makeFile(made, layout.lowerFile(id), lower.toString(), Overlay2Layout.FILE_MODE, forcing);
      }
      if (forcing != Durability.NONE) {
        AtomicFiles.syncDirectory(layout.layer(id)); // Changed last.
        forceUnlessOrdered(layout.links(), forcing);
        forceUnlessOrdered(layout.home(), forcing);
      }
    } catch (FileAlreadyExistsException e) {
      takeBack(made, e);
      throw failure(id, made.isEmpty() ? "exists already" : "cannot create the layer", e);
    } catch (IOException e) {
      takeBack(made, e);
      throw e instanceof LayerStoreException known
          ? known
          : failure(id, "cannot create the layer", e);
    } catch (RuntimeException e) {
      takeBack(made, e);
      throw e;
    }
  }

  private static void makeDirectory(Deque<Path> made, Path directory, int mode) throws IOException {
    AtomicFiles.createDirectory(directory, mode);
    made.push(directory);
  }

  private static void makeFile(
      Deque<Path> made, Path file, String content, int mode, Durability forcing)
      throws IOException {
    // Noted first: if only forcing it to the disk fails, the file is there.
    made.push(file);
    AtomicFiles.writeUnnamed(file, content.getBytes(StandardCharsets.ISO_8859_1), mode, forcing);
  }

  /** Forces the names in a directory, if that is not done by forcing what was changed after it. */
  private void forceUnlessOrdered(Path directory, Durability forcing) throws IOException {
    if (forcing == Durability.NONE) {
      return;
    }
    Boolean known = isOrdered;
    if (known == null) {
      known = AtomicFiles.forcesNamesInOrder(directory);
      isOrdered = known;
    }
    if (!known) {
      AtomicFiles.syncDirectory(directory);
    }
  }

  private String makeLink(Deque<Path> made, String id) throws IOException {
    while (true) {
      String link = LinkName.random();
      try {
        Files.createSymbolicLink(
            layout.link(link),
            layout.home().getFileSystem().getPath(Overlay2Layout.linkTarget(id)));
        made.push(layout.link(link));
        return link;
      } catch (FileAlreadyExistsException e) {
        // Another name, then; this happens once in 2^130 times.
      }
    }
  }

  private static void takeBack(Deque<Path> made, Exception failure) {
    for (Path path : made) {
      Closing.after(failure, () -> Files.deleteIfExists(path));
    }
  }

  /**
   * Gives a layer a name in {@code l/} that it ought to have. One that leads out of the home, or to
   * a layer that is gone, is replaced; one that leads to another layer is that layer's; what is no
   * link is moved aside, and so is what is no file where the layer notes the name.
   *
   * @param link the name; null for a new one
   */
  void restoreLink(String id, @Nullable String link) throws LayerStoreException {
    Deque<Path> made = new ArrayDeque<>();
    try {
      String name = link;
      if (name == null) {
        name = makeLink(made, id);
      } else if (!id.equals(idOfLink(name))) {
        deleteMisled(name);
        Files.createSymbolicLink(
            layout.link(name),
            layout.home().getFileSystem().getPath(Overlay2Layout.linkTarget(id)));
        made.push(layout.link(name));
      }
      Path file = layout.linkFile(id);
      if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)
          && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
        DamagedFiles.moveAside(file);
      }
      if (!name.equals(link(id))) {
        makeFile(made, file, name, Overlay2Layout.FILE_MODE, durability);
        if (durability != Durability.NONE) {
          AtomicFiles.syncDirectory(layout.layer(id));
        }
      }
    } catch (IOException | RuntimeException e) {
      takeBack(made, e);
      throw failure(id, "cannot give the layer its name in l/", e);
    }
  }

  private void deleteMisled(String link) throws IOException {
    Path path = layout.link(link);
    if (!Files.isSymbolicLink(path)) {
      if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        DamagedFiles.moveAside(path);
      }
      return;
    }
    String leadsTo = idOfLink(link);
    if (leadsTo == null || !exists(leadsTo)) {
      Files.delete(path);
    }
  }

  // ---- mending ----

  /** Whether {@code id} is among the layers that {@code other} stands on. */
  boolean isBelow(String id, String other) throws LayerStoreException {
    for (String link : lower(other).links()) {
      if (id.equals(idOfLink(link))) {
        return true;
      }
    }
    return false;
  }

  /**
   * Makes what is missing or damaged of a layer that others stand on, but for its files: of these,
   * only their directory. The name by which the others know it stays.
   *
   * @throws LayerStoreException if that fails; what was mended by then stays so
   */
  void mend(String id, @Nullable String parent) throws LayerStoreException {
    LowerChain lower = parent == null ? LowerChain.NONE : lower(parent).below(requireLink(parent));
    try {
      owners.giveLayerDirectory(mendDirectory(layout.layer(id), Overlay2Layout.LAYER_MODE));
      if (!Files.isDirectory(layout.diff(id), LinkOption.NOFOLLOW_LINKS)) {
        owners.giveToRoot(mendDirectory(layout.diff(id), Overlay2Layout.DIFF_MODE));
      }
      if (!isNamed(id)) {
        List<String> known = links().get(id);
        restoreLink(id, known == null ? null : known.get(0));
      }
      if (parent == null) {
        Files.deleteIfExists(layout.lowerFile(id));
      } else {
        owners.giveToRoot(mendDirectory(layout.work(id), Overlay2Layout.WORK_MODE));
        mendFile(layout.lowerFile(id), lower.toString(), Overlay2Layout.FILE_MODE);
      }
      mendFile(layout.committed(id), "", Overlay2Layout.MARK_MODE);
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw failure(id, "cannot mend the layer's directory", e);
    }
  }

  private boolean isNamed(String id) {
    try {
      String link = link(id);
      return link != null && id.equals(idOfLink(link));
    } catch (LayerStoreException e) {
      return false;
    }
  }

  private static Path mendDirectory(Path directory, int mode) throws IOException {
    if (DamagedFiles.isObstructed(directory)) {
      DamagedFiles.moveAside(directory);
    }
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      AtomicFiles.createDirectory(directory, mode);
    }
    return directory;
  }

  private void mendFile(Path file, String content, int mode) throws IOException {
    if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
      DamagedFiles.moveAside(file);
    }
    AtomicFiles.write(file, content.getBytes(StandardCharsets.ISO_8859_1), mode, durability);
  }

  // ---- removing ----

  /**
   * Deletes the layer's name in {@code l/}, also where the layer has forgotten it, and only if it
   * leads to the layer.
   */
  void removeLink(String id) throws LayerStoreException {
    try {
      String link = link(id);
      if (link != null) {
        if (id.equals(idOfLink(link))) {
          Files.deleteIfExists(layout.link(link));
        }
        return;
      }
    } catch (StoreCorruptedException e) {
      // Then by the other way.
    } catch (IOException e) {
      throw failure(id, "cannot delete the layer's name in l/", e);
    }
    for (String link : links().getOrDefault(id, List.of())) {
      try {
        Files.deleteIfExists(layout.link(link));
      } catch (IOException e) {
        throw failure(id, "cannot delete " + layout.link(link), e);
      }
    }
  }

  /** All names in {@code l/}, by the layers they lead to. */
  Map<String, List<String>> links() throws LayerStoreException {
    Map<String, List<String>> links = new LinkedHashMap<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(layout.links())) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        String id = idOfLink(name);
        if (id != null) {
          links.computeIfAbsent(id, key -> new ArrayList<>()).add(name);
        }
      }
    } catch (NoSuchFileException e) {
      return links;
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException | DirectoryIteratorException e) {
      throw failure(null, "cannot list " + layout.links(), e);
    }
    links.values().forEach(names -> names.sort(null));
    return links;
  }

  static DriverException failure(@Nullable String id, String problem, @Nullable Exception cause) {
    String reason = cause == null ? "" : ": " + cause;
    return new DriverException(Overlay2DriverProvider.NAME, id, problem + reason, cause);
  }
}
