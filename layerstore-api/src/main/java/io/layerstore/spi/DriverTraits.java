package io.layerstore.spi;

/**
 * What a driver keeps on the file system it works on, and how. What it does not keep there still
 * survives in the exported bytes of a registered layer and, for diffs, in whatever the driver
 * records beside its files.
 *
 * @param keepsOwners whether files have the owners of the archive
 * @param keepsSpecialModes whether setuid, setgid and sticky bits are set on the files
 * @param keepsDevices whether device nodes and FIFOs are made
 * @param keepsXattrs whether extended attributes outside {@code user.} are set
 * @param keepsByteNames whether any sequence of bytes can be a name
 * @param isCaseSensitive whether names that differ in case or Unicode form are different files
 * @param executesWhiteouts whether a whiteout deletes, as in a copying driver, rather than being
 *     stored; such a driver also treats the metadata of AUFS archives ({@code .wh..wh.*} at the
 *     root) as Docker's naive unpacker does
 * @param hasKernelMounts whether {@link GraphDriver#mount} makes a mount in the kernel
 * @param hasPersistentMounts whether a mount can outlive the process
 */
public record DriverTraits(
    boolean keepsOwners,
    boolean keepsSpecialModes,
    boolean keepsDevices,
    boolean keepsXattrs,
    boolean keepsByteNames,
    boolean isCaseSensitive,
    boolean executesWhiteouts,
    boolean hasKernelMounts,
    boolean hasPersistentMounts) {}
