/**
 * What every graph driver would otherwise write again, and how to write one.
 *
 * <p>A graph driver keeps the files of layers, each in a directory of its own below {@code
 * <root>/<name>}, and shows a layer merged with those below it. It never sees an archive, a digest
 * or a reference count: the store parses archives, checks names and limits, counts references and
 * keeps the metadata, and calls the driver with trees.
 *
 * <p>Start at {@link io.layerstore.spi.GraphDriver}, which these are the parts of.
 *
 * <h2>The steps</h2>
 *
 * <ol>
 *   <li><b>Provider.</b> Implement {@link io.layerstore.spi.GraphDriverProvider}: a name, a {@code
 *       probe} that finds out by trying, and {@code open}. Declare it twice, with {@code provides}
 *       in {@code module-info.java} and in {@code META-INF/services}, so that it is found on the
 *       module path and on the class path.
 *   <li><b>Traits.</b> Say in {@link io.layerstore.spi.DriverTraits} what the files on disk keep.
 *       What they do not keep, the driver records beside them: {@link
 *       io.layerstore.spi.GraphDriver#tree} shows what archives said, whatever the file system
 *       could hold.
 *   <li><b>Making and removing.</b> Build a layer's directory so that a crash leaves either all of
 *       it or something {@code open} recognises and removes; {@link AtomicFiles} writes small files
 *       and directories that way, {@link TreeDeleter} removes a tree that may contain anything.
 *       Check ids with {@link io.layerstore.spi.DriverIds#requireValid} before they become part of
 *       a path. Serialise what changes one id with {@link KeyedLock}.
 *   <li><b>Mounting.</b> Count with {@link MountCounter}; mount at the first, unmount at the last,
 *       and keep the count when an unmount finds the mount busy.
 *   <li><b>Writing.</b> A {@link io.layerstore.spi.TreeWriter} walks to the parent of each entry
 *       itself, name by name, without letting the system follow a link: text of links comes from
 *       the archive and may lead anywhere. It tells its context before it destroys what the same
 *       archive wrote, because the store must be able to give those bytes back; {@link PathSet}
 *       remembers what was written in a few bytes per path.
 *   <li><b>Reading.</b> {@link io.layerstore.spi.FileGetter} opens regular files by the names of
 *       the archive, under the same rules; {@link io.layerstore.spi.LayerTree} shows entries and
 *       never follows a link.
 *   <li><b>Diff.</b> A driver that cannot tell a layer from its parent by itself returns empty from
 *       {@code nativeDiff}; the store then compares the two trees with {@link NaiveDiff}. A tree
 *       that gives shared files an equal {@code storage} makes that cheap.
 * </ol>
 *
 * <h2>The proof</h2>
 *
 * <p>Extend {@code io.layerstore.testing.GraphDriverContract}, from {@code layerstore-testing},
 * with three methods: the traits, an empty directory, and how to open the driver. It holds every
 * promise of the interfaces, and the attacks an archive may try. A trait the driver lacks skips the
 * tests that need it, with a reason; nothing else is optional. Run it as root and as an ordinary
 * user, on each kind of file system the driver is for.
 *
 * <h2>What goes wrong</h2>
 *
 * <ul>
 *   <li>The order of attributes: a change of owner clears the setuid bit and the capabilities of a
 *       file, and a write clears them too. Owner, extended attributes, mode, times; the times of
 *       directories when everything is in them.
 *   <li>A mode that shuts out the process itself: an archive may make a directory of mode 0 and
 *       then fill it, and an ordinary user must still be able to write, read and remove it.
 *   <li>Links remembered as directories: what was learnt about a path is void once the archive
 *       replaces something on it.
 *   <li>FIFOs and devices: opening one can block or do something; never open what is not known to
 *       be a regular file.
 *   <li>Names that are not text: they are bytes, and come back as the same bytes under any locale.
 * </ul>
 *
 * <p>Knows nothing of archives, metadata and any one driver.
 */
@NullMarked
package io.layerstore.driver;

import org.jspecify.annotations.NullMarked;
