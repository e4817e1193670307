/**
 * The {@code vfs} driver: every layer is a whole directory tree, a copy of its parent's.
 *
 * <p>It needs nothing but {@link java.nio.file.FileSystem}, so it works on a disk as root or as an
 * ordinary user, and in memory. The directories are where Docker's driver of that name has them:
 *
 * <pre>
 * &lt;root&gt;/vfs/dir/&lt;id&gt;         the files of the layer, merged with those of its parents
 * &lt;root&gt;/vfs/attributes/&lt;id&gt;  what the file system could not keep of them, where there is such
 * &lt;root&gt;/vfs/staging/         work in progress; emptied when a driver opens for writing
 * </pre>
 *
 * <p>Docker knows the first only and leaves the others alone.
 */
@NullMarked
package io.layerstore.core.vfs;

import org.jspecify.annotations.NullMarked;
