package io.layerstore.driver.rooted;

import io.layerstore.ArchiveException;
import io.layerstore.ByteString;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How the names of a layer's entries are found on the file system: as bytes, and escaped where need
 * be. Immutable; safe for use by many threads.
 */
public final class DiskNames {

  private static final ByteString PARENT = ByteString.utf8("..");

  private final ByteNames bytes;
  private final NameTraits traits;
  private final NameEscapes escapes;
  private final boolean tellsSpelling;

  public DiskNames(FileSystem fileSystem, NameTraits traits, boolean tellsSpelling) {
    this.bytes = new ByteNames(fileSystem);
    this.traits = traits;
    this.escapes = new NameEscapes(traits);
    this.tellsSpelling = tellsSpelling;
  }

  /** Names that are never escaped, as those that the store makes up. */
  public static DiskNames asTheyAre(FileSystem fileSystem) {
    return new DiskNames(fileSystem, NameTraits.ALL, true);
  }

  /** Whether a name can be spelt in several ways, because others may be taken for it. */
  public boolean hasSpellings() {
    return traits.foldsCase();
  }

  /** The directory itself, as a relative path. */
  public Path dot() {
    return bytes.dot();
  }

  /**
   * The relative path of one name.
   *
   * @param spelling which one of {@link NameEscapes#SPELLINGS}
   * @throws ArchiveException if the file system has no such name
   */
  public Path toPath(ByteString name, int spelling) throws ArchiveException {
    return bytes.toPath(traits.hasEscapes() ? escapes.spell(name, spelling) : name);
  }

  /** The name that the last one of {@code path} stands for. */
  public ByteString fromPath(Path path) {
    ByteString spelt = bytes.fromPath(path);
    return traits.hasEscapes() ? escapes.read(spelt) : spelt;
  }

  /**
   * Whether the path of an existing file tells how it is really spelt. Not every release of Java
   * does so on every system.
   */
  public boolean tellsSpelling() {
    return tellsSpelling;
  }

  /**
   * The path that is {@code text} as the target of a symbolic link, as near as a path comes to it;
   * null if the file system has none that leads where it should.
   */
  public @Nullable Path toLinkTarget(ByteString text) {
    if (bytes.isWindows() && !leadsThroughPlainNames(text)) {
      return null;
    }
    return bytes.toLinkTarget(text);
  }

  /** Absolute links would leave the layer there, which has no root of its own to be absolute to. */
  private boolean leadsThroughPlainNames(ByteString text) {
    return !text.isEmpty()
        && text.at(0) != '/'
        && LinkText.names(text).stream()
            .allMatch(name -> name.equals(PARENT) || escapes.isPlain(name));
  }

  /** The text of a symbolic link's target. */
  public ByteString fromLinkTarget(Path target) {
    return bytes.fromLinkTarget(target);
  }
}
