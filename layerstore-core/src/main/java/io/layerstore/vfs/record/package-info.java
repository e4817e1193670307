/**
 * What the file system could not keep of a layer's entries, and what it showed in place of that.
 *
 * <p>Start at {@link io.layerstore.vfs.record.TrueEntry}, which knows when a record is needed and
 * when it still counts. The others keep records in a file sorted by key, so that neither writing
 * nor reading takes more memory for a larger layer.
 *
 * <p>Knows nothing of file systems; what one shows comes in as {@link
 * io.layerstore.vfs.record.DiskEntry}.
 */
@NullMarked
package io.layerstore.vfs.record;

import org.jspecify.annotations.NullMarked;
