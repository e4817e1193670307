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
 * &lt;root&gt;/vfs/names            which names are escaped, where the file system cannot hold all
 * </pre>
 *
 * <p>Docker knows the first only and leaves the others alone.
 *
 * <p>What reads through the driver is told the same wherever a store is, and so is {@link
 * io.layerstore.Mount#file}. Whoever looks into the plain directory of a layer, such as a command
 * that runs in a mount, sees there:
 *
 * <ul>
 *   <li>a device or FIFO as an empty file; an ordinary user's files with that user as their owner;
 *   <li>a name the file system cannot hold, such as one with {@code :} on Windows, with the
 *       character U+F000 plus the byte for each byte that cannot be there, as Cygwin and the
 *       Windows Subsystem for Linux spell them;
 *   <li>a name that would be taken for another one because it differs in case or Unicode form only,
 *       with its capitals, its first letter and what is not ASCII spelt so too; the name that came
 *       first is plain, and a new file that a user makes there is what its name says;
 *   <li>a symbolic link that cannot be made, or would lead out of the layer because the system
 *       knows absolute paths of another kind, as a file with its text. Written to, it is a file;
 *   <li>a hard link that cannot be made as a copy. Changed, it is a file of its own, and the other
 *       names keep what they have.
 * </ul>
 *
 * <p>A directory that an archive has no entry of is root's and of mode 0755, whatever it is in.
 * With Docker's driver it has mode 0600, and in a set-gid directory its group and that bit.
 *
 * <p>Start at {@code VfsDriver}. Knows nothing of core: it is found as any driver is.
 */
@NullMarked
package io.layerstore.vfs;

import org.jspecify.annotations.NullMarked;
