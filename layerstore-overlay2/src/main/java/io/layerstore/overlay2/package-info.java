/**
 * The {@code overlay2} graph driver.
 *
 * <p>It makes the same files of a layer as Docker's driver of that name, with these differences
 * from the one of 20.10:
 *
 * <ul>
 *   <li>A hard link to a symbolic link gives it the time of its entry, as it gives the owner and as
 *       any other hard link does. Docker's call would follow the link, and is left out; containerd
 *       sets the time.
 *   <li>A symbolic link of a time before 1970 or after 2262 has that of 1970, as everything else
 *       has. Docker gives links the former times, and a remainder of the latter; its later engines
 *       and containerd have one rule for all.
 *   <li>An opaque root hides what is below. Overlay takes no notice of the mark on a root, which is
 *       all that Docker makes, so there are whiteouts as well.
 *   <li>An extended attribute with an empty value is set, as by later engines and containerd.
 *   <li>A hard link whose entry has the file's own owner leaves the file its capability. Docker and
 *       containerd give the owner again, for which the kernel takes the capability away, as it does
 *       here where the owner is another.
 *   <li>A whiteout that hides nothing, in a directory where it would be seen, is taken away.
 * </ul>
 *
 * <p>As with Docker, a directory that has no entry of its own belongs to root, also in a set-gid
 * directory, from which it has the set-gid bit.
 *
 * <p>Start at {@code Overlay2Driver}. Knows nothing of core, and of how the kernel is asked: that
 * is behind {@code LinuxCalls}.
 */
@NullMarked
package io.layerstore.overlay2;

import org.jspecify.annotations.NullMarked;
