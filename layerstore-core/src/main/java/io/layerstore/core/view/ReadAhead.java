package io.layerstore.core.view;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.EntryType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Notices that files are opened in the order of a walk, and announces those that come next to the
 * layers they are in, so that nobody waits for each. It announces twice as many each time, and
 * nothing any more when they are not opened.
 *
 * <p>Safe for use by many threads. Several that read at the same time open files in no order, and
 * nothing is announced then.
 */
final class ReadAhead {

  /** So many files are looked for among what is opened, and not announced. */
  private static final int FIRST = 8;

  private static final int MOST = 256;

  /**
   * A longer file is not announced, nor what is behind it: who gives it up half read would lose
   * what was announced, and to read it takes longer than to ask for it.
   */
  private static final long LONG_BYTES = 512 << 10;

  /** A file. */
  private record Next(int node, LayerPath path) {}

  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Walk walk;
  private @Nullable Next last;

  /** What comes, as far as it was looked for; how much of it is behind us, and was opened. */
  private List<Next> coming = List.of();

  private int position;
  private int hits;
  private int window = FIRST;

  /** Takes note that a file will be opened now and read from its beginning. */
  void opening(PathWalk.Place file) {
    if (!lock.tryLock()) {
      return;
    }
    try {
      take(file);
    } catch (LayerStoreException e) {
      startAt(file); // The file that cannot be opened says so when its turn comes.
    } finally {
      lock.unlock();
    }
  }

  private void take(PathWalk.Place file) throws LayerStoreException {
    Next opened = new Next(file.node(), file.path());
    if (opened.equals(last)) {
      hits = 0; // Who reads files twice loses each time what was announced.
      return;
    }
    last = opened;
    Walk files = walk;
    boolean isNew = false;
    if (files != null && position == coming.size()) {
      lookAhead(files);
      isNew = true;
    }
    int found = coming.subList(position, coming.size()).indexOf(opened);
    if (found < 0) {
      startAt(file);
      return;
    }
    position += found + 1;
    hits++;
    if (isNew && window > FIRST) {
      announce(file.shown(), coming.subList(position - 1, coming.size()));
    }
  }

  private void startAt(PathWalk.Place file) {
    walk = new Walk(file);
    coming = List.of();
    position = 0;
    hits = 0;
    window = FIRST;
  }

  private void lookAhead(Walk files) {
    if (!coming.isEmpty()) {
      window = 2 * hits < coming.size() ? FIRST : Math.min(2 * window, MOST);
    }
    coming = files.next(window);
    position = 0;
    hits = 0;
  }

  private static void announce(Shown shown, List<Next> files) throws LayerStoreException {
    Index index = shown.index();
    if (files.size() < 2) {
      return;
    }
    for (Next next : files) {
      shown
          .contents()
          .get(index.layer(next.node))
          .announce(next.path, next.node, index.size(next.node));
    }
  }

  /** A way through all files behind one, in the order in which a walk comes to them. */
  private static final class Walk {
    private final Shown shown;
    private final Index index;
    private final Deque<Place> places = new ArrayDeque<>();

    /** Found, and for the next time. */
    private @Nullable Next left;

    /** How far it is in a directory. */
    private static final class Place {
      private final LayerPath path;
      private final long range;
      private int position;

      Place(LayerPath path, long range, int position) {
        this.path = path;
        this.range = range;
        this.position = position;
      }
    }

    /** Begins behind {@code file}. */
    Walk(PathWalk.Place file) {
      shown = file.shown();
      index = shown.index();
      int directory = shown.root();
      LayerPath path = LayerPath.ROOT;
      for (ByteString name : file.path().names()) {
        long range = shown.range(directory);
        int at = index.position(range, name.toByteArray(), 0, name.length());
        if (at < 0) {
          return; // Not by this way, and nothing comes.
        }
        places.push(new Place(path, range, at + 1));
        directory = index.node(index.entry(range, at));
        path = path.resolve(name);
      }
    }

    /** The next files, so many at most. */
    List<Next> next(int count) {
      List<Next> found = new ArrayList<>();
      while (found.size() < count) {
        Next next = left != null ? left : go();
        left = null;
        if (next == null) {
          break;
        }
        boolean isLong = index.size(next.node) > LONG_BYTES;
        if (isLong && !found.isEmpty()) {
          left = next;
          break;
        }
        found.add(next);
        if (isLong) {
          break;
        }
      }
      return found;
    }

    private @Nullable Next go() {
      while (!places.isEmpty()) {
        Place place = places.element();
        if (place.position == Index.count(place.range)) {
          places.pop();
          continue;
        }
        int entry = index.entry(place.range, place.position++);
        int node = index.node(entry);
        EntryType type = index.type(node);
        if (type == EntryType.FILE) {
          return new Next(node, place.path.resolve(index.name(entry)));
        }
        if (type == EntryType.DIRECTORY) {
          LayerPath path = place.path.resolve(index.name(entry));
          places.push(new Place(path, shown.range(node), 0));
        }
      }
      return null;
    }
  }
}
