package io.layerstore.overlay2;

import io.layerstore.ByteString;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Whether an entry of a layer's own directory differs from what is below it.
 *
 * <p>As in Docker: by type, mode, owner, device and {@code security.capability}, and, unless it is
 * a directory, by size and time, where a time without a fraction of a second equals any within the
 * second. What is equal by these is compared by content: it was copied up for some reason, and
 * there are few such files.
 */
final class UpperComparison {

  private static final ByteString CAPABILITY = ByteString.utf8("security.capability");
  private static final int CHUNK = 1 << 16;

  /** Opens a file of the layer's own directory. */
  @FunctionalInterface
  interface Opener {
    InputStream open(TreeEntry file) throws LayerStoreException;
  }

  private UpperComparison() {}

  static boolean differs(LayerTree lower, LayerTree.Node below, TreeEntry entry, Opener opener)
      throws LayerStoreException {
    TreeEntry old = below.entry();
    Attributes a = old.attributes();
    Attributes b = entry.attributes();
    if (old.type() != entry.type()
        || a.mode() != b.mode()
        || a.uid() != b.uid()
        || a.gid() != b.gid()
        || !Objects.equals(old.device(), entry.device())
        || !Objects.equals(capability(a), capability(b))) {
      return true;
    }
    if (entry.type() == EntryType.DIRECTORY) {
      return false;
    }
    if (!areSameTimes(a.modified(), b.modified())
        || old.sizeBytes() != entry.sizeBytes()
        || !Objects.equals(old.linkText(), entry.linkText())) {
      return true;
    }
    return entry.type() == EntryType.FILE && haveOtherContents(lower, below, entry, opener);
  }

  private static boolean areSameTimes(Instant a, Instant b) {
    return a.getEpochSecond() == b.getEpochSecond()
        && (a.getNano() == b.getNano() || a.getNano() == 0 || b.getNano() == 0);
  }

  private static @Nullable ByteString capability(Attributes attributes) {
    for (Xattr xattr : attributes.xattrs()) {
      if (xattr.name().equals(CAPABILITY)) {
        return xattr.value();
      }
    }
    return null;
  }

  private static boolean haveOtherContents(
      LayerTree lower, LayerTree.Node below, TreeEntry entry, Opener opener)
      throws LayerStoreException {
    try (InputStream a = lower.open(below);
        InputStream b = opener.open(entry)) {
      byte[] chunkA = new byte[CHUNK];
      byte[] chunkB = new byte[CHUNK];
      int count;
      do {
        count = a.readNBytes(chunkA, 0, CHUNK);
        if (b.readNBytes(chunkB, 0, CHUNK) != count
            || !Arrays.equals(chunkA, 0, count, chunkB, 0, count)) {
          return true;
        }
      } while (count == CHUNK);
      return false;
    } catch (ConcurrentChangeException | LayerVerificationException e) {
      // Somebody writes to it at this moment, so it is no longer what is below.
      return true;
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw new LayerStoreException("cannot compare /" + entry.path(), e);
    }
  }
}
