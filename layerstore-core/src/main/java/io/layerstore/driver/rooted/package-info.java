/**
 * The files below a directory that somebody else fills, reached without leaving it.
 *
 * <p>Start at {@link io.layerstore.driver.rooted.Directory}, which holds one directory open and
 * looks at single names in it; {@link io.layerstore.driver.rooted.TreePosition} is a directory
 * somewhere below the root. {@link io.layerstore.driver.rooted.InRootDirectory} goes on that ground
 * to the files of a mount, following links as a process does whose root the mount is. {@link
 * io.layerstore.driver.rooted.DiskNames} says how names that are bytes are spelt in a {@link
 * java.nio.file.FileSystem}.
 *
 * <p>Knows nothing of layers, archives and drivers.
 */
@NullMarked
package io.layerstore.driver.rooted;

import org.jspecify.annotations.NullMarked;
