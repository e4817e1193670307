package io.layerstore.overlay2.linux;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.IdMapping;
import io.layerstore.IdMapping.Range;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The ids that the system grants an ordinary user beside the own one.
 *
 * <p>Lines {@code user:first:count} in {@code /etc/subuid} and {@code /etc/subgid}; the user by
 * name or number; see subuid(5).
 */
public final class SubordinateIds {

  private static final Path ETC = Path.of("/etc");
  private static final Path SELF = Path.of("/proc/self");

  private SubordinateIds() {}

  /**
   * A namespace with all ids of the user this process runs as: the user as 0, and the ids granted
   * from 1 upwards.
   *
   * @throws DriverNotSupportedException if the system grants none, or none that can be read
   */
  public static UserNamespace namespace() throws DriverNotSupportedException {
    try {
      long uid = ((Integer) Files.getAttribute(SELF, "unix:uid")) & 0xffff_ffffL;
      long gid = ((Integer) Files.getAttribute(SELF, "unix:gid")) & 0xffff_ffffL;
      return namespace(ETC, Files.getOwner(SELF).getName(), uid, gid);
    } catch (IOException e) {
      throw new DriverNotSupportedException(
          HelperProcess.DRIVER, "cannot read the subordinate ids of this user: " + e);
    }
  }

  /**
   * A namespace with all ids of a user.
   *
   * @param etc where the files are
   * @throws DriverNotSupportedException if there are none, or those there are make no mapping
   */
  static UserNamespace namespace(Path etc, String name, long uid, long gid)
      throws IOException, DriverNotSupportedException {
    Path users = etc.resolve("subuid");
    Path groups = etc.resolve("subgid");
    try {
      return UserNamespace.ofRanges(
          new IdMapping(ranges(users, name, uid, uid), ranges(groups, name, uid, gid)));
    } catch (IllegalArgumentException e) {
      throw new DriverNotSupportedException(
          HelperProcess.DRIVER,
          "what " + users + " and " + groups + " grant is no mapping: " + e.getMessage());
    }
  }

  /**
   * The ranges of a user.
   *
   * @param own the id that becomes 0
   */
  static List<Range> ranges(Path file, String name, long uid, long own)
      throws IOException, DriverNotSupportedException {
    List<Range> ranges = new ArrayList<>();
    ranges.add(new Range(0, own, 1));
    long next = 1;
    for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
      String[] fields = line.strip().split(":", -1);
      if (fields.length != 3 || !(fields[0].equals(name) || fields[0].equals(Long.toString(uid)))) {
        continue;
      }
      try {
        Range range = new Range(next, Long.parseLong(fields[1]), Long.parseLong(fields[2]));
        ranges.add(range);
        next += range.count();
      } catch (IllegalArgumentException e) {
        throw new IOException(file + " has an invalid line for " + name + ": " + line, e);
      }
    }
    if (ranges.size() == 1) {
      throw new DriverNotSupportedException(
          HelperProcess.DRIVER,
          "the system grants user "
              + name
              + " no subordinate ids; add a line "
              + name
              + ":100000:65536 to "
              + file);
    }
    return ranges;
  }
}
