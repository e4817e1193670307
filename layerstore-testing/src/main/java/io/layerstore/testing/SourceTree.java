package io.layerstore.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A directory tree with something of everything that a layer can hold, to be archived by real
 * tools.
 *
 * <p>Made by the shell, so that it does not depend on what Java can express: file names in any
 * bytes, holes, special files. What only root can make is there when the tests run as root. The
 * directories are archived separately by formats that cannot express all of them.
 */
public final class SourceTree {

  /** What every format can express: short ASCII names, plain files, directories and links. */
  public static final String PLAIN = "plain";

  /** Names of up to 255 bytes, as ustar splits them. */
  public static final String LONG = "long";

  /** Everything else. */
  public static final String SPECIAL = "special";

  private static final String SCRIPT =
      """
      set -eu
      umask 022
      mkdir -p plain/dir/sub plain/empty-dir plain/sticky long special
      cd plain
      printf 'hello\\n' > file
      : > empty
      printf 'x' > dir/one-byte
      head -c 511 /dev/zero | tr '\\0' a > dir/511
      head -c 512 /dev/zero | tr '\\0' b > dir/512
      head -c 513 /dev/zero | tr '\\0' c > dir/513
      seq 1 40000 > dir/sub/numbers
      printf '#!/bin/sh\\n' > script && chmod 755 script
      printf 'secret' > secret && chmod 600 secret
      chmod 1777 sticky
      chmod 750 dir
      ln file dir/hard-link
      ln -s file symlink
      ln -s ../file dir/symlink-up
      ln -s /nowhere/at/all dangling
      ln script hard-link-to-script
      touch -d '1999-12-31 23:59:59 UTC' file script
      touch -h -d '2001-02-03 04:05:06 UTC' symlink dangling dir/symlink-up
      cd ../long
      name=$(printf 'n%.0s' $(seq 90))
      mkdir $name
      printf 'deep' > $name/$(printf 'f%.0s' $(seq 80))
      printf 'x' > $(printf 'm%.0s' $(seq 100))
      cd ../special
      long=$(printf 'v%.0s' $(seq 250))
      mkdir -p $long/$long
      printf 'very deep' > $long/$long/$long && touch -d '2011-11-11 11:11:11 UTC' $long/$long/$long
      ln -s $long/$long/$long link-with-a-long-target
      ln $long/$long/$long hard-link-with-a-long-target
      printf 'utf8' > "$(printf 'caf\\303\\251')"
      printf 'latin1' > "$(printf 'caf\\351.txt')"
      mkdir "$(printf '\\316\\272\\316\\261')" && : > "$(printf '\\316\\272\\316\\261/\\316\\273')"
      printf 'space' > 'two words'
      printf 'backslash' > 'back\\slash'
      printf 'newline' > "$(printf 'new\\nline')"
      printf 'dash' > ./-dash
      printf 'quote' > "it's \\"quoted\\" <&>"
      printf 'times' > nanoseconds && touch -d '2020-02-02 02:02:02.123456789 UTC' nanoseconds
      printf 'later' > year-2100 && touch -d '2100-01-01 00:00:00 UTC' year-2100
      truncate -s 1M holes
      printf 'middle' | dd of=holes bs=1 seek=500000 conv=notrunc status=none
      printf 'end' | dd of=holes bs=1 seek=1048000 conv=notrunc status=none
      truncate -s 300000 only-a-hole
      mkfifo fifo
      setfattr -n user.comment -v 'an attribute' nanoseconds 2>/dev/null || true
      setfattr -n user.binary -v 0x00ff0a3d0a nanoseconds 2>/dev/null || true
      """;

  private static final String ROOT_SCRIPT =
      """
      mknod char c 1 3
      mknod block b 7 1
      cp ../plain/script setuid && chmod 4755 setuid
      cp ../plain/script setgid && chmod 2755 setgid
      mkdir setgid-dir && chmod 2775 setgid-dir
      printf 'cap' > capable && setcap cap_net_raw+ep capable 2>/dev/null || true
      printf 'owned' > owned && chown 1234:5678 owned
      printf 'owned' > owned-by-a-large-id && chown 3000000:4000000 owned-by-a-large-id
      ln -s owned link-of-somebody && chown -h 12:34 link-of-somebody
      """;

  private SourceTree() {}

  /** Makes the tree in {@code directory}, which is created. */
  public static void create(Path directory) throws IOException, InterruptedException {
    Files.createDirectory(directory);
    Tool.require("bash").in(directory).run("-c", Machine.isRoot() ? SCRIPT + ROOT_SCRIPT : SCRIPT);
  }
}
