package io.layerstore.driver.rooted;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.driver.Closing;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A directory in a tree, reached from the root one name at a time without following links.
 *
 * <p>Keeps the directories on the way open, but only the last few, so that neither a deep tree nor
 * the way up and down in it takes many descriptors. Not safe for use by many threads.
 */
public final class TreePosition implements Closeable {

  /** A directory takes two descriptors. */
  private static final int MAX_OPEN = 16;

  private final Directory root;
  private final List<ByteString> names = new ArrayList<>();

  /** One for each name; null where it was closed to save descriptors. */
  private final List<@Nullable Directory> directories = new ArrayList<>();

  private LayerPath path = LayerPath.ROOT;

  /** At {@code root}, which it closes in the end. */
  public TreePosition(Directory root) {
    this.root = root;
  }

  /** Where it is. */
  public LayerPath path() {
    return path;
  }

  public int depth() {
    return names.size();
  }

  /** The directory there, open until the position changes. */
  public Directory directory() throws IOException {
    if (names.isEmpty()) {
      return root;
    }
    Directory last = directories.get(names.size() - 1);
    return last != null ? last : reopen();
  }

  /** Goes into the directory {@code name}; stays where it is if that fails. */
  public void enter(ByteString name) throws IOException {
    Directory child = directory().child(name);
    names.add(name);
    directories.add(child);
    path = path.resolve(name);
    closeAbove(names.size() - MAX_OPEN);
  }

  /** Goes to the directory this one is in. */
  public void leave() throws IOException {
    int last = names.size() - 1;
    names.remove(last);
    Directory directory = directories.remove(last);
    path = path.parent();
    if (directory != null) {
      directory.close();
    }
  }

  /** Goes to {@code target}; stays somewhere on the way if that fails. */
  public void goTo(LayerPath target) throws IOException {
    if (target.equals(path)) {
      return;
    }
    while (!target.startsWith(path)) {
      leave();
    }
    List<ByteString> wanted = target.names();
    for (ByteString name : wanted.subList(names.size(), wanted.size())) {
      enter(name);
    }
  }

  /** Makes sure that nothing at or below {@code gone} is open. */
  public void forget(LayerPath gone) throws IOException {
    while (path.startsWith(gone) && !names.isEmpty()) {
      leave();
    }
  }

  /** Opens the last few directories again, all the way from the root. */
  private Directory reopen() throws IOException {
    int from = names.size() - MAX_OPEN;
    Directory current = root;
    boolean isOwned = false;
    for (int i = 0; i < names.size(); i++) {
      Directory known = directories.get(i);
      Directory next = known;
      try {
        if (next == null) {
          next = current.child(names.get(i));
        }
      } finally {
        if (isOwned) {
          current.close();
        }
      }
      isOwned = known == null && i < from;
      if (known == null && i >= from) {
        directories.set(i, next);
      }
      current = next;
    }
    return current;
  }

  private void closeAbove(int count) throws IOException {
    for (int i = count - 1; i >= 0; i--) {
      Directory directory = directories.get(i);
      if (directory == null) {
        return;
      }
      directories.set(i, null);
      directory.close();
    }
  }

  @Override
  public void close() throws IOException {
    List<@Nullable Directory> open = new ArrayList<>(directories);
    open.add(root);
    names.clear();
    directories.clear();
    path = LayerPath.ROOT;
    Closing.all(open);
  }
}
