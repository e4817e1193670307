package io.layerstore.core.tar;

import io.layerstore.ArchiveException;
import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.Limits;
import io.layerstore.core.tar.MappedEntry.Kind;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Decides what an archive entry means for a layer, and refuses what a layer must not hold. Looks at
 * bytes alone, never at a file system.
 *
 * <p>The rules are those of Docker's unpackers, which differ by driver: one that executes whiteouts
 * also treats names at the root that begin with {@code .wh..wh.} as metadata of AUFS. Where engines
 * differ, the current one counts. Stricter than Docker are these: only a directory may be called
 * like the root, no name may go through a whiteout, and ids and device numbers that Linux cannot
 * hold are errors rather than other numbers. Extended attributes that no file can have are left
 * out.
 *
 * <p>Immutable; safe for use by many threads.
 *
 * @see <a href="https://github.com/moby/go-archive">github.com/moby/go-archive: archive.go,
 *     diff.go, archive_linux.go</a>
 */
public final class EntryMapper {

  /** The most bytes that a file name can have on Linux. */
  private static final int MAX_NAME_BYTES = 255;

  /** What the kernel can hold: twelve and twenty bits. */
  private static final long MAX_MAJOR = 0xfff;

  private static final long MAX_MINOR = 0xfffff;

  private static final int MAX_XATTR_NAME_BYTES = 255;
  private static final ByteString CAPABILITY = ByteString.utf8("security.capability");

  /** Beyond, nanoseconds since 1970 overflow 64 bits, which Docker takes for no time at all. */
  private static final Instant MAX_TIME = Instant.EPOCH.plusNanos(Long.MAX_VALUE);

  private static final ByteString WHITEOUT_PREFIX = ByteString.utf8(".wh.");
  private static final ByteString AUFS_PREFIX = ByteString.utf8(".wh..wh.");
  private static final ByteString AUFS_LINKS = ByteString.utf8(".wh..wh.plnk");
  private static final ByteString OPAQUE = ByteString.utf8(".wh..wh..opq");

  private final Limits limits;
  private final boolean executesWhiteouts;

  /**
   * Maps the entries of one archive.
   *
   * @param executesWhiteouts whether the archive goes to a driver in which a whiteout deletes,
   *     rather than being stored: see {@link io.layerstore.spi.DriverTraits#executesWhiteouts}
   */
  public EntryMapper(Limits limits, boolean executesWhiteouts) {
    this.limits = limits;
    this.executesWhiteouts = executesWhiteouts;
  }

  /**
   * What {@code header} means.
   *
   * @throws ArchiveException if the name or the target of a hard link leads out of the layer, or
   *     something other than a directory would become its root
   * @throws ArchiveException if a path, a link target or an extended attribute is longer, or there
   *     are more, than allowed
   * @throws ArchiveException if a part cannot be right
   */
  public MappedEntry map(TarHeader header) throws ArchiveException {
    if (header.isGlobalHeader()) {
      return skipped(LayerPath.ROOT);
    }
    LayerPath path = clean(header.name(), header);
    if (path.isRoot()) {
      if (header.type() != TarHeader.Type.DIRECTORY) {
        throw breakout(header, "only a directory can be the root of a layer");
      }
      return skipped(path);
    }
    if (executesWhiteouts && path.bytes().startsWith(AUFS_PREFIX) && !path.bytes().equals(OPAQUE)) {
      return aufsMetadata(path, header);
    }
    refuseWhiteoutAsDirectory(path, header);
    if (path.name().startsWith(WHITEOUT_PREFIX)) {
      return new MappedEntry(Kind.ENTRY, path, whiteout(path, header), null, false);
    }
    if (header.type() == TarHeader.Type.HARD_LINK) {
      return hardLink(path, header);
    }
    boolean isPayloadKept = header.storedSize() > 0 && !header.isSparse();
    return new MappedEntry(Kind.ENTRY, path, entry(path, header), null, isPayloadKept);
  }

  private static MappedEntry skipped(LayerPath path) {
    return new MappedEntry(Kind.SKIPPED, path, null, null, false);
  }

  private MappedEntry aufsMetadata(LayerPath path, TarHeader header) throws ArchiveException {
    if (header.type() != TarHeader.Type.FILE || !path.bytes().startsWith(AUFS_LINKS)) {
      return skipped(path);
    }
    TreeEntry file = TreeEntry.file(path, attributes(header), header.size());
    return new MappedEntry(Kind.LINK_SOURCE, path, file, path.name(), false);
  }

  /**
   * Refuses names that go through a whiteout; AUFS metadata at the root is a plain directory to
   * drivers that know nothing of it.
   */
  private static void refuseWhiteoutAsDirectory(LayerPath path, TarHeader header)
      throws ArchiveException {
    ByteString bytes = path.bytes();
    int start = 0;
    for (int slash; (slash = bytes.indexOf((byte) '/', start)) >= 0; start = slash + 1) {
      if (slash - start < WHITEOUT_PREFIX.length() || bytes.at(start) != '.') {
        continue;
      }
      ByteString name = bytes.substring(start, slash);
      boolean isAufs = start == 0 && name.startsWith(AUFS_PREFIX) && !name.equals(OPAQUE);
      if (name.startsWith(WHITEOUT_PREFIX) && !isAufs) {
        throw malformed(header, "invalid whiteout entry: a whiteout has nothing below it");
      }
    }
  }

  /** Type, size and link target of a whiteout do not count. */
  private static TreeEntry whiteout(LayerPath path, TarHeader header) throws ArchiveException {
    LayerPath parent = path.parent();
    Attributes attributes = attributes(header, List.of());
    if (path.name().equals(OPAQUE)) {
      return TreeEntry.opaque(parent, attributes);
    }
    ByteString deleted = path.name().substring(WHITEOUT_PREFIX.length());
    if (deleted.isEmpty()
        || deleted.equals(ByteString.utf8("."))
        || deleted.equals(ByteString.utf8(".."))) {
      throw malformed(header, "invalid whiteout entry: it names no file");
    }
    return TreeEntry.whiteout(parent.resolve(deleted), attributes);
  }

  private MappedEntry hardLink(LayerPath path, TarHeader header) throws ArchiveException {
    LayerPath target = clean(header.linkName(), header);
    if (target.isRoot()) {
      throw malformed(header, "invalid hardlink target: the root of the layer");
    }
    if (target.equals(path)) {
      throw malformed(header, "invalid hardlink target: the entry itself");
    }
    if (executesWhiteouts && target.bytes().startsWith(AUFS_LINKS)) {
      return new MappedEntry(Kind.LINKED_COPY, path, null, target.name(), false);
    }
    TreeEntry link = TreeEntry.hardLink(path, attributes(header), target);
    return new MappedEntry(Kind.ENTRY, path, link, null, false);
  }

  private TreeEntry entry(LayerPath path, TarHeader header) throws ArchiveException {
    Attributes attributes = attributes(header);
    return switch (header.type()) {
      case DIRECTORY -> TreeEntry.directory(path, attributes);
      case FILE -> TreeEntry.file(path, attributes, header.size());
      case SYMLINK -> TreeEntry.symlink(path, attributes, linkText(header));
      case CHARACTER_DEVICE ->
          TreeEntry.device(path, EntryType.CHARACTER_DEVICE, attributes, device(header));
      case BLOCK_DEVICE ->
          TreeEntry.device(path, EntryType.BLOCK_DEVICE, attributes, device(header));
      case FIFO -> TreeEntry.fifo(path, attributes);
      case HARD_LINK, GLOBAL_HEADER -> throw new IllegalArgumentException(header.type().toString());
    };
  }

  /**
   * The text as it is: where it leads is looked at when something is opened through it, never
   * before.
   */
  private ByteString linkText(TarHeader header) throws ArchiveException {
    ByteString text = header.linkName();
    if (text.isEmpty()) {
      throw malformed(header, "a symbolic link without a target");
    }
    refuseNul(text, header);
    requireAtMost(text.length(), limits.maxPathBytes(), "maxPathBytes", header);
    return text;
  }

  private static Device device(TarHeader header) throws ArchiveException {
    long major = header.devMajor();
    long minor = header.devMinor();
    if (major < 0 || major > MAX_MAJOR || minor < 0 || minor > MAX_MINOR) {
      throw malformed(header, "device number out of range: " + major + ":" + minor);
    }
    return new Device(major, minor);
  }

  private Attributes attributes(TarHeader header) throws ArchiveException {
    List<Xattr> xattrs = header.xattrs();
    requireAtMost(xattrs.size(), limits.maxXattrs(), "maxXattrs", header);
    for (Xattr xattr : xattrs) {
      requireAtMost(xattr.name().length(), MAX_XATTR_NAME_BYTES, "bytes of an xattr name", header);
      requireAtMost(xattr.value().length(), limits.maxXattrBytes(), "maxXattrBytes", header);
      refuseNul(xattr.name(), header);
    }
    return attributes(
        header,
        xattrs.isEmpty() // as nearly always
            ? xattrs
            : xattrs.stream().filter(xattr -> leftOut(xattr).isEmpty()).toList());
  }

  /**
   * Why a file does not get an extended attribute that its archive has; empty if it gets it.
   *
   * <p>Linux has none without a name space. macOS has such, and its tools put them into archives.
   * An empty capability is none, but Linux lets nobody read, write or run the file that has one.
   */
  public static Optional<String> leftOut(Xattr xattr) {
    if (xattr.name().indexOf((byte) '.') <= 0) {
      return Optional.of("has no name space, such as user.");
    }
    return xattr.value().isEmpty() && xattr.name().equals(CAPABILITY)
        ? Optional.of("is empty, which is no capability")
        : Optional.empty();
  }

  private static Attributes attributes(TarHeader header, List<Xattr> xattrs)
      throws ArchiveException {
    Instant modified = bounded(header.modified());
    Instant accessed = header.accessed();
    if (accessed == null || accessed.isBefore(header.modified())) {
      accessed = header.modified();
    }
    accessed = bounded(accessed);
    return new Attributes(
        (int) (header.mode() & 07777),
        id("uid", header.uid(), header),
        id("gid", header.gid(), header),
        modified,
        accessed.isBefore(modified) ? modified : accessed,
        xattrs);
  }

  private static long id(String name, long id, TarHeader header) throws ArchiveException {
    if (id < 0 || id > Attributes.MAX_ID) {
      throw malformed(header, name + " out of range: " + id);
    }
    return id;
  }

  private static Instant bounded(Instant time) {
    return time.isBefore(Instant.EPOCH) || time.isAfter(MAX_TIME) ? Instant.EPOCH : time;
  }

  /**
   * The place in the layer that {@code name} stands for, absolute or not, without empty names,
   * {@code .} and {@code ..}.
   */
  private LayerPath clean(ByteString name, TarHeader header) throws ArchiveException {
    refuseNul(name, header);
    LayerPath path = LayerPath.normalise(name).orElse(null);
    if (path == null) {
      throw breakout(header, "\"" + name + "\" leads above the root of the layer");
    }
    requireAtMost(path.bytes().length(), limits.maxPathBytes(), "maxPathBytes", header);
    requireAtMost(path.depth(), limits.maxPathDepth(), "maxPathDepth", header);
    requireShortNames(path.bytes(), header);
    return path;
  }

  private static void requireShortNames(ByteString path, TarHeader header) throws ArchiveException {
    int end;
    for (int start = 0; start < path.length(); start = end + 1) {
      int slash = path.indexOf((byte) '/', start);
      end = slash < 0 ? path.length() : slash;
      if (end - start > MAX_NAME_BYTES) {
        // Of a whiteout the name of what it deletes counts, which may be as long as any.
        boolean isWhiteout = slash < 0 && path.substring(start).startsWith(WHITEOUT_PREFIX);
        int prefix = isWhiteout ? WHITEOUT_PREFIX.length() : 0;
        requireAtMost(end - start - prefix, MAX_NAME_BYTES, "bytes of a file name", header);
      }
    }
  }

  private static void refuseNul(ByteString text, TarHeader header) throws ArchiveException {
    if (text.indexOf((byte) 0) >= 0) {
      throw malformed(header, "a name with a NUL in it: " + text);
    }
  }

  private static void requireAtMost(long value, long limit, String limitName, TarHeader header)
      throws ArchiveException {
    if (value > limit) {
      throw ArchiveException.limitExceeded(
          header.index(), header.name().toString(), limitName, limit);
    }
  }

  private static ArchiveException malformed(TarHeader header, String problem) {
    return new ArchiveException(
        ArchiveException.Kind.MALFORMED, header.index(), header.name().toString(), problem);
  }

  private static ArchiveException breakout(TarHeader header, String problem) {
    return new ArchiveException(
        ArchiveException.Kind.BREAKOUT, header.index(), header.name().toString(), problem);
  }
}
