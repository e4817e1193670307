package io.layerstore.vfs;

import io.layerstore.driver.rooted.NameTraits;

/**
 * What the file system under a driver's home can do for this process.
 *
 * @param hasUnixView whether owners and modes are numbers, as on the default file system of a Unix
 * @param hasPosixView whether files have permissions
 * @param hasLinkCounts whether it tells how many names a file has
 * @param setsOwners whether a file can be given to anybody
 * @param setsSpecialModes whether setuid, setgid and sticky can be set on any file
 * @param keepsUserXattrs whether files and directories have extended attributes below {@code user.}
 * @param keepsFileTimes whether it keeps a file's time of modification to the nanosecond
 * @param keepsDirectoryTimes the same for directories
 * @param keepsLinkTimes the same for symbolic links
 * @param names which names it holds as they are
 * @param tellsSpelling whether the path of an existing file tells how it is really spelt
 * @param hasSymlinks whether symbolic links can be made
 * @param hasHardLinks whether a file can be given a further name, and is known by all of them
 * @param linksSymlinks whether a hard link to a symbolic link is one, and not one to its target
 * @param keepsBirthTimes whether it tells when a file was made, so that a new file is known from an
 *     old one whose inode it got
 * @param creationMask the permission bits that new files do not get
 * @param uid the owner of new files, if {@code hasUnixView}
 * @param gid the group of new files, if {@code hasUnixView}
 */
record FileSystemTraits(
    boolean hasUnixView,
    boolean hasPosixView,
    boolean hasLinkCounts,
    boolean setsOwners,
    boolean setsSpecialModes,
    boolean keepsUserXattrs,
    boolean keepsFileTimes,
    boolean keepsDirectoryTimes,
    boolean keepsLinkTimes,
    NameTraits names,
    boolean tellsSpelling,
    boolean hasSymlinks,
    boolean hasHardLinks,
    boolean linksSymlinks,
    boolean keepsBirthTimes,
    int creationMask,
    long uid,
    long gid) {

  /** The same with other {@code names}. */
  FileSystemTraits withNames(NameTraits others) {
    return new FileSystemTraits(
        hasUnixView,
        hasPosixView,
        hasLinkCounts,
        setsOwners,
        setsSpecialModes,
        keepsUserXattrs,
        keepsFileTimes,
        keepsDirectoryTimes,
        keepsLinkTimes,
        others,
        tellsSpelling,
        hasSymlinks,
        hasHardLinks,
        linksSymlinks,
        keepsBirthTimes,
        creationMask,
        uid,
        gid);
  }
}
