package io.layerstore.driver.rooted;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.RootedFile;
import io.layerstore.driver.FileFailures;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One way through a tree, as the kernel goes it for a process whose root the tree is: an absolute
 * link begins again at the root, and {@code ..} stays in it.
 *
 * <p>Unlike the walk of a driver, which puts archives on disk and refuses what climbs out, it takes
 * text as users and links have it, and stops before the last name, so that the caller can use that
 * in the directory that is held open. Used once, by one thread.
 */
final class InRootWalk implements Closeable {

  /** How often the way may change under the walk before it gives up. */
  static final int MAX_CHANGES = 100;

  private static final ByteString PARENT = ByteString.utf8("..");

  private final TreeView view;
  private final TreePosition position;
  private final Deque<ByteString> steps = new ArrayDeque<>();
  private final FileAttribute<?> @Nullable [] missing;

  private @Nullable ByteString name;
  private @Nullable Look look;
  private boolean needsDirectory;
  private int links;
  private int changes;

  /**
   * Begins at the root of {@code view}, which the caller closes.
   *
   * @param missing what directories that are missing are made with, the last one too; null to make
   *     none
   */
  InRootWalk(TreeView view, FileAttribute<?> @Nullable [] missing) throws IOException {
    this.view = view;
    this.position = new TreePosition(view.openRoot());
    this.missing = missing;
  }

  /**
   * Goes to the directory of the last name of {@code text}.
   *
   * @param followsLast whether the last name is followed if it is a link
   */
  void go(ByteString text, boolean followsLast) throws IOException {
    needsDirectory = endsAsDirectory(text);
    push(text);
    boolean hasArrived = false;
    while (!hasArrived && !steps.isEmpty()) {
      hasArrived = step(steps.removeFirst(), followsLast);
    }
  }

  /** The last name, in {@link #directory}; null if the way ended in that directory itself. */
  @Nullable ByteString name() {
    return name;
  }

  /** What is at the last name; null if nothing is. */
  @Nullable Look look() {
    return look;
  }

  /** Whether the text says that the last name is a directory. */
  boolean needsDirectory() {
    return needsDirectory;
  }

  boolean isAtRoot() {
    return position.depth() == 0;
  }

  Directory directory() throws IOException {
    return position.directory();
  }

  /** Where the way ended. */
  Path path() throws IOException {
    ByteString last = name;
    return last == null ? directory().path() : directory().path(last);
  }

  /** Whether the last name is something else by now, so that the way has to be gone again. */
  boolean isStale() throws IOException {
    ByteString last = name;
    if (last == null) {
      return false;
    }
    Look now = look(last);
    if (now == null || look == null) {
      return (now == null) != (look == null);
    }
    return !now.isSameFileAs(look);
  }

  /** The same failure, with the whole path where the file system named the last part alone. */
  FileSystemException located(FileSystemException e) throws IOException {
    String file = e.getFile();
    if (file == null) {
      return FileFailures.at(path().toString(), e);
    }
    Path here = directory().path();
    if (file.startsWith(here.toString())) {
      return e;
    }
    @Nullable Path last = here.getFileSystem().getPath(file).getFileName();
    String whole = (last == null ? here : here.resolve(last)).toString();
    return FileFailures.at(whole, e);
  }

  private @Nullable Look look(ByteString entry) throws IOException {
    return view.look(directory(), position.path().resolve(entry));
  }

  /** The entries of the directory where the way ended, sorted. */
  List<LayerPath> list() throws IOException {
    ByteString last = name;
    if (last != null) {
      Look found = look;
      if (found == null) {
        throw new NoSuchFileException(path().toString());
      }
      if (!found.isDirectory()) {
        throw new NotDirectoryException(path().toString());
      }
      position.enter(last);
      name = null;
    }
    LayerPath here = position.path();
    return directory().list().stream().map(here::resolve).sorted().toList();
  }

  private boolean step(ByteString step, boolean followsLast) throws IOException {
    if (step.equals(PARENT)) {
      if (!isAtRoot()) {
        position.leave();
      }
      return false;
    }
    boolean isLast = steps.isEmpty();
    Look found = look(step);
    if (found == null) {
      return handleMissing(step, isLast);
    }
    if (found.isSymlink() && (!isLast || followsLast)) {
      follow(step);
      return false;
    }
    if (isLast) {
      return arrive(step, found);
    }
    if (!found.isDirectory()) {
      throw new NotDirectoryException(directory().path(step).toString());
    }
    enter(step);
    return false;
  }

  private boolean handleMissing(ByteString step, boolean isLast) throws IOException {
    if (missing == null) {
      if (!isLast) {
        throw new NoSuchFileException(directory().path(step).toString());
      }
      return arrive(step, null);
    }
    try {
      directory().makeDirectory(step, missing);
    } catch (FileAlreadyExistsException e) {
      lookAgain(step, e);
      return false;
    }
    if (isLast) {
      return arrive(step, look(step));
    }
    enter(step);
    return false;
  }

  private boolean arrive(ByteString last, @Nullable Look found) throws IOException {
    if (needsDirectory && found != null && !found.isDirectory()) {
      throw new NotDirectoryException(directory().path(last).toString());
    }
    name = last;
    look = found;
    return true;
  }

  private void enter(ByteString step) throws IOException {
    try {
      position.enter(step);
    } catch (FileSystemException e) {
      Look now = look(step);
      if (now != null && now.isDirectory()) {
        throw e;
      }
      lookAgain(step, e);
    }
  }

  /** What {@code step} was a moment ago has changed. */
  private void lookAgain(ByteString step, FileSystemException change) throws IOException {
    if (++changes > MAX_CHANGES) {
      throw change;
    }
    steps.addFirst(step);
  }

  private void follow(ByteString step) throws IOException {
    if (++links > RootedFile.MAX_LINKS) {
      throw new FileSystemLoopException(directory().path(step).toString());
    }
    ByteString text = view.readLink(directory(), position.path().resolve(step));
    if (!text.isEmpty() && text.at(0) == '/') {
      position.goTo(LayerPath.ROOT);
    }
    push(text);
  }

  private void push(ByteString text) {
    List<ByteString> names = LinkText.names(text);
    for (int i = names.size() - 1; i >= 0; i--) {
      steps.addFirst(names.get(i));
    }
  }

  /** Whether {@code text} says itself that it is the path of a directory. */
  static boolean endsAsDirectory(ByteString text) {
    ByteString last = text.substring(text.lastIndexOf((byte) '/') + 1);
    return last.isEmpty() || last.equals(PARENT) || (last.length() == 1 && last.at(0) == '.');
  }

  @Override
  public void close() throws IOException {
    position.close();
  }
}
