package io.layerstore.core.view;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerEntryAttributes;
import io.layerstore.LayerPath;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The attributes of one node, read from the index when they are asked for. */
final class EntryAttributes implements LayerEntryAttributes {

  /** Those of a mode, from the highest bit down. */
  private static final PosixFilePermission[] PERMISSIONS = PosixFilePermission.values();

  private final ViewFileSystem fileSystem;
  private final Shown shown;
  private final Index index;
  private final @Nullable ViewPath path;
  private final int node;

  /**
   * @param path where it was found; null for one that a layer above hides
   */
  EntryAttributes(ViewFileSystem fileSystem, Shown shown, @Nullable ViewPath path, int node) {
    this.fileSystem = fileSystem;
    this.shown = shown;
    this.index = shown.index();
    this.path = path;
    this.node = node;
  }

  /** What {@link #fileKey} gives: one for all names of a file. */
  private record Key(ViewFileSystem fileSystem, long id) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key that && that.fileSystem == fileSystem && that.id == id;
    }

    @Override
    public int hashCode() {
      return 31 * System.identityHashCode(fileSystem) + Long.hashCode(id);
    }

    @Override
    public String toString() {
      return "(node=" + id + ")";
    }
  }

  /** What tells the node from all others. */
  long id() {
    return shown.id(node);
  }

  /** Where a symbolic link leads. */
  ByteString linkText() {
    return index.linkText(node);
  }

  private FileTime time(long nanos) {
    return nanos % 1_000_000_000 == 0
        ? FileTime.from(Math.floorDiv(nanos, 1_000_000_000), TimeUnit.SECONDS)
        : FileTime.from(Index.time(nanos));
  }

  @Override
  public FileTime lastModifiedTime() {
    return time(index.modifiedNanos(node));
  }

  @Override
  public FileTime lastAccessTime() {
    return time(index.accessedNanos(node));
  }

  /** That of the last modification: an archive has no other. */
  @Override
  public FileTime creationTime() {
    return lastModifiedTime();
  }

  @Override
  public boolean isRegularFile() {
    return index.type(node) == EntryType.FILE;
  }

  @Override
  public boolean isDirectory() {
    return index.isDirectory(node);
  }

  @Override
  public boolean isSymbolicLink() {
    return index.type(node) == EntryType.SYMLINK;
  }

  @Override
  public boolean isOther() {
    return !isRegularFile() && !isDirectory() && !isSymbolicLink();
  }

  @Override
  public long size() {
    return index.size(node);
  }

  @Override
  public Object fileKey() {
    return new Key(fileSystem, id());
  }

  @Override
  public UserPrincipal owner() {
    return new Principals.User(uid());
  }

  @Override
  public GroupPrincipal group() {
    return new Principals.Group(gid());
  }

  @Override
  public Set<PosixFilePermission> permissions() {
    Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    int mode = index.mode(node);
    for (int i = 0; i < PERMISSIONS.length; i++) {
      if ((mode & (0400 >> i)) != 0) {
        permissions.add(PERMISSIONS[i]);
      }
    }
    return permissions;
  }

  @Override
  public int layerIndex() {
    return shown.layer(node);
  }

  private Index.Layer layer() {
    return index.layers().get(index.layer(node));
  }

  @Override
  public Optional<DiffId> diffId() {
    return Optional.ofNullable(layer().diffId());
  }

  @Override
  public Optional<ChainId> chainId() {
    return Optional.ofNullable(layer().chainId());
  }

  @Override
  public boolean isWhiteout() {
    return index.type(node) == EntryType.WHITEOUT;
  }

  @Override
  public boolean isOpaque() {
    return index.has(node, Index.OPAQUE);
  }

  @Override
  public boolean isImplied() {
    return index.has(node, Index.IMPLIED);
  }

  @Override
  public List<LayerEntryAttributes> shadowed() {
    List<LayerEntryAttributes> shadowed = new ArrayList<>();
    if (path == null) {
      return shadowed;
    }
    PathWalk.Place place;
    try {
      fileSystem.all();
      place = fileSystem.find(path, false);
      if (place.shown().id(place.node()) != id()) {
        place = fileSystem.find(path, true);
      }
    } catch (FileSystemException e) {
      throw new IllegalStateException("what was there cannot be gone", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    for (int other : nodesBelow(place)) {
      shadowed.add(new EntryAttributes(fileSystem, place.shown(), null, other));
    }
    return shadowed;
  }

  private static List<Integer> nodesBelow(PathWalk.Place place) {
    List<Integer> below = new ArrayList<>();
    LayerPath real = place.path();
    Index index = place.shown().index();
    int layer = index.layer(place.node());
    if (real.isRoot()) {
      for (int i = layer - 1; i >= 0 && !index.has(index.root(i + 1), Index.OPAQUE); i--) {
        below.add(index.root(i));
      }
      return below;
    }
    for (int directory : index.directories(real.parent(), index.layers().size() - 1)) {
      int entry =
          index.layer(directory) < layer
              ? index.find(index.ownRange(directory), real.name())
              : Index.NONE;
      if (entry == Index.NONE) {
        continue;
      }
      if (index.type(index.node(entry)) == EntryType.WHITEOUT) {
        break;
      }
      below.add(index.node(entry));
    }
    return below;
  }

  List<Xattr> xattrs() {
    return index.xattrs(node);
  }

  @Override
  public Map<ByteString, ByteString> extendedAttributes() {
    Map<ByteString, ByteString> all = new LinkedHashMap<>();
    xattrs().forEach(xattr -> all.put(xattr.name(), xattr.value()));
    return all;
  }

  @Override
  public int mode() {
    int type =
        switch (index.type(node)) {
          case DIRECTORY -> 0040000;
          case SYMLINK -> 0120000;
          case CHARACTER_DEVICE, WHITEOUT -> 0020000;
          case BLOCK_DEVICE -> 0060000;
          case FIFO -> 0010000;
          default -> 0100000;
        };
    return type | index.mode(node);
  }

  @Override
  public long uid() {
    return index.uid(node);
  }

  @Override
  public long gid() {
    return index.gid(node);
  }

  @Override
  public int linkCount() {
    return index.links(node);
  }

  @Override
  public long deviceNumber() {
    EntryType type = index.type(node);
    if (type != EntryType.CHARACTER_DEVICE && type != EntryType.BLOCK_DEVICE) {
      return 0;
    }
    Device device = index.device(node);
    long major = device.major();
    long minor = device.minor();
    return ((major & 0xfff) << 8)
        | ((major & ~0xfffL) << 32)
        | (minor & 0xff)
        | ((minor & ~0xffL) << 12);
  }
}
