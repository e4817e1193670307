package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.LinkText;
import io.layerstore.driver.rooted.Look;
import io.layerstore.driver.rooted.TreePosition;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds directories of a layer by path, following symbolic links inside the layer only.
 *
 * <p>Every name is looked at and every link read here; the file system never follows one. Absolute
 * text starts again at the layer's root, where {@code ..} stays, as in a chroot. A relative link
 * that climbs above the root is refused.
 *
 * <p>Not safe for use by many threads.
 */
final class InRootWalker implements Closeable {

  /** As many as the kernel follows in a path, many times over. */
  private static final int MAX_LINKS = 255;

  /**
   * How many names of link texts may be taken: so many for each path, and a number of them for
   * free. A few entries whose links lead up and down the tree ten thousands of times must not keep
   * the store busy for minutes.
   */
  private static final int LINK_STEPS_EACH = 100;

  private static final int LINK_STEPS_FREE = 100_000;

  /** What to do where the way does not go on. */
  interface Guide {

    /** Makes the missing directory {@code name} there, or returns false to give up. */
    boolean makeDirectory(TreePosition position, ByteString name) throws IOException;

    /**
     * The text of the symbolic link {@code path}, which is in {@code directory} as {@code look};
     * null if it is none.
     */
    @Nullable ByteString linkText(Directory directory, LayerPath path, Look look)
        throws IOException;

    /** The failure for a link that climbs above the root. */
    LayerStoreException breakout(LayerPath path);

    /** The failure for {@code problem}, such as a file on the way. */
    LayerStoreException noWay(LayerPath path, String problem);
  }

  /**
   * One name still to go.
   *
   * @param isOfLink whether it is of a link's text, not of the path itself
   * @param isClamped whether the root is as high as {@code ..} goes
   */
  private record Step(ByteString name, boolean isOfLink, boolean isClamped) {}

  private long linkStepsLeft = LINK_STEPS_FREE;

  private final TreePosition position;
  private final Guide guide;

  /** The path that was asked for last, and where that is. */
  private @Nullable LayerPath resolved;

  private LayerPath resolvedTo = LayerPath.ROOT;

  InRootWalker(Directory root, Guide guide) {
    this.position = new TreePosition(root);
    this.guide = guide;
  }

  /** Where the last walk ended. */
  TreePosition position() {
    return position;
  }

  /**
   * Goes to the directory {@code path}, following links in all of its names.
   *
   * @return where it ended, or null if something is missing and the guide gave up
   */
  @Nullable TreePosition goTo(LayerPath path) throws IOException {
    if (resolved != null && resolved.equals(path)) {
      position.goTo(resolvedTo);
      return position;
    }
    resolved = null;
    position.goTo(LayerPath.ROOT);
    Deque<Step> steps = new ArrayDeque<>();
    for (ByteString name : path.names()) {
      steps.add(new Step(name, false, false));
    }
    int links = 0;
    linkStepsLeft += LINK_STEPS_EACH;
    while (!steps.isEmpty()) {
      Step step = steps.removeFirst();
      if (step.isOfLink && linkStepsLeft-- <= 0) {
        throw guide.noWay(
            path,
            "the symbolic links on it, and on others before it, lead over more directories than"
                + " this store follows");
      }
      if (isParent(step.name)) {
        climb(path, step);
        continue;
      }
      Look look = position.directory().look(step.name);
      if (look == null) {
        if (!guide.makeDirectory(position, step.name)) {
          return null;
        }
        position.enter(step.name);
        continue;
      }
      if (look.isDirectory()) {
        position.enter(step.name);
        continue;
      }
      LayerPath real = position.path().resolve(step.name);
      ByteString text = guide.linkText(position.directory(), real, look);
      if (text == null) {
        throw guide.noWay(path, "/" + real + " is no directory");
      }
      if (++links > MAX_LINKS) {
        throw guide.noWay(path, "too many symbolic links");
      }
      follow(text, steps);
    }
    resolved = path;
    resolvedTo = position.path();
    return position;
  }

  private void climb(LayerPath path, Step step) throws IOException {
    if (position.depth() > 0) {
      position.leave();
    } else if (!step.isClamped) {
      throw guide.breakout(path);
    }
  }

  private void follow(ByteString text, Deque<Step> steps) throws IOException {
    boolean isAbsolute = !text.isEmpty() && text.at(0) == '/';
    if (isAbsolute) {
      position.goTo(LayerPath.ROOT);
    }
    List<ByteString> names = LinkText.names(text);
    for (int i = names.size() - 1; i >= 0; i--) {
      steps.addFirst(new Step(names.get(i), true, isAbsolute));
    }
  }

  private static boolean isParent(ByteString name) {
    return name.length() == 2 && name.at(0) == '.' && name.at(1) == '.';
  }

  /** Takes note that what is at {@code gone} goes away, or that a link on some way does. */
  void forget(LayerPath gone) throws IOException {
    resolved = null;
    position.forget(gone);
  }

  @Override
  public void close() throws IOException {
    position.close();
  }
}
