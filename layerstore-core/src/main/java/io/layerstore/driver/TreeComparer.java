package io.layerstore.driver;

import io.layerstore.ByteString;
import io.layerstore.Change;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.LayerTree.Node;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Tells how one tree differs from another, one difference after the other.
 *
 * <ul>
 *   <li>What is only in the newer tree is added, and so is everything in it, one by one.
 *   <li>What is only in the older tree is deleted; what was in it is not listed.
 *   <li>What is in both is modified if its type, permission bits, owner, device number or {@code
 *       security.capability} differ, or, except for a directory, its size or time of modification.
 *       A directory that a file takes the place of is modified, and nothing below is listed; where
 *       a directory takes the place of a file, it is modified and everything in it added.
 *   <li>A directory with a difference anywhere below is modified; the root is never listed.
 * </ul>
 *
 * <p>The order is that of the paths by unsigned byte over the whole text, so {@code a-b} comes
 * before {@code a/b}; a deletion stands where the deleted path would. Neither tree is closed. If a
 * tree changes meanwhile, each path is reported as it was at some moment.
 *
 * <p>Used by one thread at a time. Compares as {@code archive.Changes} of moby does, whose order is
 * that of a hash map.
 */
public final class TreeComparer {

  /*
   * A directory must be reported before what is in it, but whether it is reported depends on what
   * is in it, and even its siblings are in between: a, a-b, a/b. Collecting the differences and
   * sorting them would cost an object for each; a chown of a whole tree makes as many as there are
   * files. So the trees are walked twice. The first walk visits every directory that both trees
   * have and remembers, in 16 bytes each, those with a difference in or below them. The second one
   * visits only these, and what was added. Should the set ever take a directory for another one, a
   * directory too many is visited and reported; none is missed.
   *
   * The order needs no sorting either. Give the descent into a directory "a" the key "a/" and sort
   * it among the names: all that is below "a" begins with "a/" and no sibling does, so the descent
   * as a whole takes exactly that place. As the names come sorted, a descent waits only until a
   * name comes that sorts after it, and a later one never waits longer than an earlier.
   *
   * Memory is that of the listings of the directories on the way down, plus the 16 bytes.
   */

  /** In which order to visit what is in a directory. */
  enum Order {
    /** By the text of the whole path: {@code a}, {@code a-b}, {@code a/b}. */
    PATH,
    /** A directory, then at once all that is in it: {@code a}, {@code a/b}, {@code a-b}. */
    DEPTH_FIRST
  }

  private final @Nullable LayerTree older;
  private final LayerTree newer;
  private final Order order;

  /** Directories of both trees with a difference in or below them; null until the first walk. */
  private @Nullable PathSet changed;

  private final Deque<Visit> visits = new ArrayDeque<>();

  /**
   * Compares {@code newer} with {@code older}, or with nothing at all, so that everything is added.
   */
  public TreeComparer(@Nullable LayerTree older, LayerTree newer) {
    this(older, newer, Order.PATH);
  }

  TreeComparer(@Nullable LayerTree older, LayerTree newer, Order order) {
    this.older = older;
    this.newer = Objects.requireNonNull(newer, "newer");
    this.order = order;
  }

  /**
   * The next difference, or null after the last. The first call reads all directories that both
   * trees have.
   *
   * @throws OperationInterruptedException if the thread is interrupted
   * @throws LayerStoreException what a tree throws
   */
  public @Nullable TreeDifference next() throws LayerStoreException {
    if (changed == null) {
      changed = findChangedDirectories();
      visits.add(visit(LayerPath.ROOT, older != null));
    }
    while (!visits.isEmpty()) {
      Visit visit = visits.getLast();
      Descent descent = visit.nextDescent(order);
      if (descent != null) {
        visits.add(visit(descent.directory, descent.isInBoth));
        continue;
      }
      Pair pair = visit.pairs.next();
      if (pair == null) {
        visits.removeLast();
        continue;
      }
      TreeDifference difference = visit(visit, pair, changed);
      if (difference != null) {
        return difference;
      }
    }
    return null;
  }

  private Visit visit(LayerPath directory, boolean isInBoth) throws LayerStoreException {
    requireNotInterrupted();
    List<Node> before = isInBoth && older != null ? older.list(directory) : List.of();
    return new Visit(new Pairs(before, newer.list(directory)));
  }

  /** What to report about one name, and whether to go into it later. */
  private @Nullable TreeDifference visit(Visit visit, Pair pair, PathSet changedDirectories)
      throws LayerStoreException {
    Node before = pair.older;
    Node now = pair.newer;
    if (now == null) {
      return new TreeDifference(Change.Kind.DELETED, pair.path(), null);
    }
    if (before == null) {
      if (isDirectory(now)) {
        visit.waiting.add(new Descent(pair.path(), false));
      }
      return new TreeDifference(Change.Kind.ADDED, pair.path(), now);
    }
    boolean isBelow =
        isDirectory(before) && isDirectory(now) && changedDirectories.contains(pair.path());
    boolean isModified = isBelow || differs(before, now);
    if (isBelow) {
      visit.waiting.add(new Descent(pair.path(), true));
    } else if (isModified && isDirectory(now) && !isDirectory(before)) {
      visit.waiting.add(new Descent(pair.path(), false));
    }
    return isModified ? new TreeDifference(Change.Kind.MODIFIED, pair.path(), now) : null;
  }

  private PathSet findChangedDirectories() throws LayerStoreException {
    PathSet found = new PathSet();
    Deque<Search> searches = new ArrayDeque<>();
    if (older != null) {
      searches.add(search(LayerPath.ROOT));
    }
    while (!searches.isEmpty()) {
      Search search = searches.getLast();
      LayerPath next = search.subdirectories.pollFirst();
      if (next != null) {
        searches.add(search(next));
        continue;
      }
      searches.removeLast();
      if (search.isChanged) {
        found.add(search.directory);
        if (!searches.isEmpty()) {
          searches.getLast().isChanged = true;
        }
      }
    }
    return found;
  }

  /** Compares what is directly in a directory that both trees have. */
  private Search search(LayerPath directory) throws LayerStoreException {
    requireNotInterrupted();
    Search search = new Search(directory);
    Pairs pairs = new Pairs(Objects.requireNonNull(older).list(directory), newer.list(directory));
    for (Pair pair = pairs.next(); pair != null; pair = pairs.next()) {
      Node before = pair.older;
      Node now = pair.newer;
      if (before == null || now == null) {
        search.isChanged = true;
        continue;
      }
      if (EntryComparison.isShared(before, now)) {
        continue;
      }
      if (isDirectory(before) && isDirectory(now)) {
        search.subdirectories.add(pair.path());
      }
      // Once one difference is known, a second one changes nothing here.
      search.isChanged = search.isChanged || differs(before, now);
    }
    return search;
  }

  private boolean differs(Node before, Node now) throws LayerStoreException {
    return !EntryComparison.isShared(before, now)
        && EntryComparison.differs(Objects.requireNonNull(older), before, newer, now);
  }

  private static boolean isDirectory(Node node) {
    return node.entry().type() == EntryType.DIRECTORY;
  }

  private static void requireNotInterrupted() throws OperationInterruptedException {
    if (Thread.currentThread().isInterrupted()) {
      throw new OperationInterruptedException("comparing layers", null);
    }
  }

  /** A directory of both trees in the first walk. */
  private static final class Search {
    final LayerPath directory;
    final Deque<LayerPath> subdirectories = new ArrayDeque<>();
    boolean isChanged;

    Search(LayerPath directory) {
      this.directory = directory;
    }
  }

  /**
   * A directory in the second walk: the names to come, and the descents that wait for their turn.
   */
  private static final class Visit {
    final Pairs pairs;
    final Deque<Descent> waiting = new ArrayDeque<>();

    Visit(Pairs pairs) {
      this.pairs = pairs;
    }

    /** The descent whose turn it is, removed; null if a name comes first. */
    @Nullable Descent nextDescent(Order order) {
      Descent last = waiting.peekLast();
      if (last == null) {
        return null;
      }
      LayerPath name = pairs.peek();
      boolean isNameFirst =
          order == Order.PATH && name != null && sortsBeforeContentOf(last.directory, name);
      return isNameFirst ? null : waiting.removeLast();
    }

    /** Whether {@code path}, which sorts after {@code directory}, sorts before what is in it. */
    private static boolean sortsBeforeContentOf(LayerPath directory, LayerPath path) {
      ByteString prefix = directory.bytes();
      ByteString text = path.bytes();
      return text.startsWith(prefix) && (text.at(prefix.length()) & 0xff) < '/';
    }
  }

  /** A directory to go into; {@code isInBoth} unless all of it is new. */
  private record Descent(LayerPath directory, boolean isInBoth) {}

  /** One name in a directory, with what each tree has there. */
  private record Pair(@Nullable Node older, @Nullable Node newer) {

    LayerPath path() {
      return Objects.requireNonNull(newer != null ? newer : older).entry().path();
    }
  }

  /** Merges two sorted listings of a directory. */
  private static final class Pairs {
    private final List<Node> older;
    private final List<Node> newer;
    private int nextOlder;
    private int nextNewer;

    Pairs(List<Node> older, List<Node> newer) {
      this.older = older;
      this.newer = newer;
    }

    /** The path {@link #next} would be about; null at the end. */
    @Nullable LayerPath peek() {
      LayerPath before = peek(older, nextOlder);
      LayerPath now = peek(newer, nextNewer);
      if (before == null || now == null) {
        return before == null ? now : before;
      }
      return before.compareTo(now) < 0 ? before : now;
    }

    @Nullable Pair next() {
      LayerPath before = peek(older, nextOlder);
      LayerPath now = peek(newer, nextNewer);
      if (before == null && now == null) {
        return null;
      }
      int order = before == null ? 1 : now == null ? -1 : before.compareTo(now);
      return new Pair(
          order <= 0 ? older.get(nextOlder++) : null, order >= 0 ? newer.get(nextNewer++) : null);
    }

    private static @Nullable LayerPath peek(List<Node> nodes, int index) {
      return index < nodes.size() ? nodes.get(index).entry().path() : null;
    }
  }
}
