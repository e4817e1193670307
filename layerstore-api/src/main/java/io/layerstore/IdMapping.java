package io.layerstore;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * How the owners inside a layer are shown on the host, as with Docker's {@code userns-remap}.
 * Immutable.
 *
 * @param uids the ranges of user ids
 * @param gids the ranges of group ids
 */
public record IdMapping(List<Range> uids, List<Range> gids) {

  /** Every id is itself. */
  public static final IdMapping IDENTITY = new IdMapping(List.of(), List.of());

  /**
   * One run of ids.
   *
   * @param containerId the first id inside the layer
   * @param hostId the first id on the host
   * @param count the number of ids
   */
  public record Range(long containerId, long hostId, long count) {

    private static final long ID_COUNT = 0xffff_ffffL;

    /**
     * Checks the range.
     *
     * @throws IllegalArgumentException if it is empty or leaves 0 to 2^32-2
     */
    public Range {
      if (containerId < 0
          || hostId < 0
          || count <= 0
          || containerId > ID_COUNT - count
          || hostId > ID_COUNT - count) {
        throw new IllegalArgumentException(
            "invalid id range: " + containerId + ":" + hostId + ":" + count);
      }
    }

    /** {@code container:host:count}. */
    @Override
    public String toString() {
      return containerId + ":" + hostId + ":" + count;
    }
  }

  /**
   * Copies the lists. An empty list maps every id to itself.
   *
   * @throws IllegalArgumentException if two ranges overlap, inside the layer or on the host
   */
  public IdMapping {
    uids = List.copyOf(uids);
    gids = List.copyOf(gids);
    requireDisjoint(uids);
    requireDisjoint(gids);
  }

  private static void requireDisjoint(List<Range> ranges) {
    for (int i = 0; i < ranges.size(); i++) {
      for (int k = i + 1; k < ranges.size(); k++) {
        Range a = ranges.get(i);
        Range b = ranges.get(k);
        if (overlaps(a.containerId(), b.containerId(), a, b)
            || overlaps(a.hostId(), b.hostId(), a, b)) {
          throw new IllegalArgumentException("id ranges overlap: " + a + " and " + b);
        }
      }
    }
  }

  private static boolean overlaps(long startA, long startB, Range a, Range b) {
    return startA < startB + b.count() && startB < startA + a.count();
  }

  /**
   * Reads ranges from {@code container:host:count}, separated by commas.
   *
   * @throws IllegalArgumentException if {@code text} is of another form
   */
  public static List<Range> parseRanges(String text) {
    List<Range> ranges = new ArrayList<>();
    for (String part : text.split(",", -1)) {
      String[] numbers = part.trim().split(":", -1);
      try {
        if (numbers.length != 3) {
          throw new NumberFormatException();
        }
        ranges.add(
            new Range(
                Long.parseLong(numbers[0]),
                Long.parseLong(numbers[1]),
                Long.parseLong(numbers[2])));
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException("not container:host:count: \"" + part + "\"", e);
      }
    }
    return List.copyOf(ranges);
  }

  /** Whether every id is itself. */
  public boolean isIdentity() {
    return uids.isEmpty() && gids.isEmpty();
  }

  /** The host's uid for a uid inside the layer; empty if no range has it. */
  public OptionalLong uidToHost(long uid) {
    return toHost(uids, uid);
  }

  /** The host's gid for a gid inside the layer; empty if no range has it. */
  public OptionalLong gidToHost(long gid) {
    return toHost(gids, gid);
  }

  /** The uid inside the layer for one of the host's; empty if no range has it. */
  public OptionalLong uidToContainer(long uid) {
    return toContainer(uids, uid);
  }

  /** The gid inside the layer for one of the host's; empty if no range has it. */
  public OptionalLong gidToContainer(long gid) {
    return toContainer(gids, gid);
  }

  private static OptionalLong toHost(List<Range> ranges, long id) {
    if (ranges.isEmpty()) {
      return OptionalLong.of(id);
    }
    for (Range range : ranges) {
      if (id >= range.containerId() && id - range.containerId() < range.count()) {
        return OptionalLong.of(range.hostId() + (id - range.containerId()));
      }
    }
    return OptionalLong.empty();
  }

  private static OptionalLong toContainer(List<Range> ranges, long id) {
    if (ranges.isEmpty()) {
      return OptionalLong.of(id);
    }
    for (Range range : ranges) {
      if (id >= range.hostId() && id - range.hostId() < range.count()) {
        return OptionalLong.of(range.containerId() + (id - range.hostId()));
      }
    }
    return OptionalLong.empty();
  }
}
