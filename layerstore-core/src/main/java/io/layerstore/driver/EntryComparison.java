package io.layerstore.driver;

import io.layerstore.ByteString;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.LayerTree.Node;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Whether an entry is the same in two trees.
 *
 * <p>It is not, if any of these differs: type, permission bits, owner, device number, {@code
 * security.capability}; and except for directories, size or time of modification. Content, access
 * times, other extended attributes and link counts are not looked at. That is what {@code
 * statDifferent} and {@code Changes} of moby 20.10 do.
 *
 * <p>Times get the benefit of the doubt, also as in moby: where one side has no fraction of a
 * second, for instance because it came through an archive, equal seconds are equal times. A file
 * that is changed within the second in which its layer was made would go unnoticed that way. Moby
 * sleeps into the next second after each export to rule that out; here the doubt is settled by
 * reading both files, which are few, and nobody waits.
 */
public final class EntryComparison {

  private static final ByteString CAPABILITY = ByteString.utf8("security.capability");
  private static final int CHUNK = 1 << 16;

  private EntryComparison() {}

  /** Whether the entry and, for a directory, all that is in it are certainly the same. */
  static boolean isShared(Node older, Node newer) {
    return older.storage() != null && older.storage().equals(newer.storage());
  }

  /** Opens the regular file that an entry is. */
  @FunctionalInterface
  public interface Content {
    /** Opens it at its beginning; the caller closes the stream. */
    InputStream open() throws LayerStoreException;
  }

  /** Whether the entry differs; what is in a directory does not count. */
  static boolean differs(LayerTree olderTree, Node older, LayerTree newerTree, Node newer)
      throws LayerStoreException {
    return differs(
        older.entry(),
        () -> olderTree.open(older),
        newer.entry(),
        () -> newerTree.open(newer),
        false);
  }

  /**
   * Whether an entry differs; what is in a directory does not count.
   *
   * @param isCopied whether the newer one is there because it was copied for some reason: then
   *     equal times prove nothing, and the contents are compared
   */
  public static boolean differs(
      TreeEntry older,
      Content olderContent,
      TreeEntry newer,
      Content newerContent,
      boolean isCopied)
      throws LayerStoreException {
    if (older.type() != newer.type()
        || !haveEqualOwnersAndModes(older.attributes(), newer.attributes())
        || !Objects.equals(older.device(), newer.device())
        || !Objects.equals(capability(older), capability(newer))) {
      return true;
    }
    if (older.type() == EntryType.DIRECTORY) {
      return false;
    }
    if (storedSize(older) != storedSize(newer)) {
      return true;
    }
    Instant olderTime = older.attributes().modified();
    Instant newerTime = newer.attributes().modified();
    if (olderTime.equals(newerTime) && !isCopied) {
      return false;
    }
    return !mayBeEqual(olderTime, newerTime)
        || !haveEqualContents(older, olderContent, newer, newerContent);
  }

  private static boolean mayBeEqual(Instant a, Instant b) {
    return a.getEpochSecond() == b.getEpochSecond()
        && (a.getNano() == b.getNano() || a.getNano() == 0 || b.getNano() == 0);
  }

  private static boolean haveEqualOwnersAndModes(Attributes a, Attributes b) {
    return a.mode() == b.mode() && a.uid() == b.uid() && a.gid() == b.gid();
  }

  private static @Nullable ByteString capability(TreeEntry entry) {
    for (Xattr xattr : entry.attributes().xattrs()) {
      if (xattr.name().equals(CAPABILITY)) {
        return xattr.value();
      }
    }
    return null;
  }

  /** The size {@code lstat} reports for what is no directory, in bytes. */
  static long storedSize(TreeEntry entry) {
    ByteString linkText = entry.linkText();
    return linkText == null ? entry.sizeBytes() : linkText.length();
  }

  private static boolean haveEqualContents(
      TreeEntry older, Content olderContent, TreeEntry newer, Content newerContent)
      throws LayerStoreException {
    if (newer.type() != EntryType.FILE) {
      return Objects.equals(older.linkText(), newer.linkText());
    }
    try (InputStream a = olderContent.open();
        InputStream b = newerContent.open()) {
      byte[] chunkA = new byte[CHUNK];
      byte[] chunkB = new byte[CHUNK];
      int count;
      do {
        count = a.readNBytes(chunkA, 0, CHUNK);
        if (b.readNBytes(chunkB, 0, CHUNK) != count
            || !Arrays.equals(chunkA, 0, count, chunkB, 0, count)) {
          return false;
        }
      } while (count == CHUNK);
      return true;
    } catch (ConcurrentChangeException | LayerVerificationException e) {
      // Somebody writes to it at this moment, so it is no longer what its parent has.
      return false;
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw new LayerStoreException("cannot compare /" + newer.path(), e);
    }
  }
}
