package io.layerstore.core.tar;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.TreeEntry;
import org.jspecify.annotations.Nullable;

/**
 * What an archive entry means for a layer.
 *
 * @param kind what is to be done with it
 * @param path the entry's own name, cleaned; for a whiteout it ends in the name with the prefix.
 *     {@link LayerPath#ROOT} for a global header
 * @param tree what to write, for {@link Kind#ENTRY}; for {@link Kind#LINK_SOURCE} the file with the
 *     attributes that its copies get; else null
 * @param linkSource the name by which copies find a {@link Kind#LINK_SOURCE}, and by which a {@link
 *     Kind#LINKED_COPY} asks for it; else null
 * @param isPayloadKept whether the payload lands, as it is, as the file at {@link #path}, so that
 *     the archive can be restored from there; if not, the payload has to be kept elsewhere
 */
public record MappedEntry(
    Kind kind,
    LayerPath path,
    @Nullable TreeEntry tree,
    @Nullable ByteString linkSource,
    boolean isPayloadKept) {

  /** What is to be done with an entry. */
  public enum Kind {
    /** Write it to the tree. */
    ENTRY,
    /** Nothing: a global header, the root itself, or AUFS metadata. */
    SKIPPED,
    /**
     * Remember the payload: hard links to it become copies. AUFS keeps the content of its hard
     * links so.
     */
    LINK_SOURCE,
    /**
     * Write a regular file at {@link #path} with attributes and content of a {@link #LINK_SOURCE}
     * that came before.
     */
    LINKED_COPY
  }
}
