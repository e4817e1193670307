package io.layerstore.driver;

import io.layerstore.ByteString;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerStoreException;
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
final class EntryComparison {

  private static final ByteString CAPABILITY = ByteString.utf8("security.capability");
  private static final int CHUNK = 8192;

  private EntryComparison() {}

  /** Whether the entry and, for a directory, all that is in it are certainly the same. */
  static boolean isShared(Node older, Node newer) {
    return older.storage() != null && older.storage().equals(newer.storage());
  }

  /** Whether the entry differs; what is in a directory does not count. */
  static boolean differs(LayerTree olderTree, Node older, LayerTree newerTree, Node newer)
      throws LayerStoreException {
    TreeEntry a = older.entry();
    TreeEntry b = newer.entry();
    if (a.type() != b.type()
        || !haveEqualOwnersAndModes(a.attributes(), b.attributes())
        || !Objects.equals(a.device(), b.device())
        || !Objects.equals(capability(a), capability(b))) {
      return true;
    }
    if (a.type() == EntryType.DIRECTORY) {
      return false;
    }
    if (storedSize(a) != storedSize(b)) {
      return true;
    }
    Instant timeA = a.attributes().modified();
    Instant timeB = b.attributes().modified();
    if (timeA.equals(timeB)) {
      return false;
    }
    boolean isDoubtful =
        timeA.getEpochSecond() == timeB.getEpochSecond()
            && (timeA.getNano() == 0 || timeB.getNano() == 0);
    return !isDoubtful || !haveEqualContents(olderTree, older, newerTree, newer);
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
      LayerTree olderTree, Node older, LayerTree newerTree, Node newer) throws LayerStoreException {
    if (newer.entry().type() != EntryType.FILE) {
      return Objects.equals(older.entry().linkText(), newer.entry().linkText());
    }
    try (InputStream a = olderTree.open(older);
        InputStream b = newerTree.open(newer)) {
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
    } catch (ConcurrentChangeException e) {
      // Somebody writes to it at this moment, so it is no longer what its parent has.
      return false;
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw new LayerStoreException("cannot compare /" + newer.entry().path(), e);
    }
  }
}
