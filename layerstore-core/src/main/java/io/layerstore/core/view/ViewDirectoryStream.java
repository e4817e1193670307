package io.layerstore.core.view;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The entries of one directory, sorted by name as bytes. */
final class ViewDirectoryStream implements DirectoryStream<Path> {

  private final ViewPath directory;
  private final Shown shown;
  private final long range;
  private final Filter<? super Path> filter;
  private boolean isIterated;
  private volatile boolean isClosed;

  ViewDirectoryStream(ViewPath directory, PathWalk.Place place, Filter<? super Path> filter) {
    this.directory = directory;
    this.shown = place.shown();
    this.range = shown.range(place.node());
    this.filter = filter;
  }

  @Override
  public synchronized Iterator<Path> iterator() {
    if (isIterated || isClosed) {
      throw new IllegalStateException("a directory stream is iterated once, while it is open");
    }
    isIterated = true;
    return new Entries();
  }

  @Override
  public void close() {
    isClosed = true;
  }

  private final class Entries implements Iterator<Path> {
    private int position;
    private @Nullable Path next;

    @Override
    public boolean hasNext() {
      Index index = shown.index();
      while (next == null && !isClosed && position < Index.count(range)) {
        directory.getFileSystem().requireOpen();
        Path path = directory.child(shown, index.entry(range, position++));
        try {
          next = filter.accept(path) ? path : null;
        } catch (IOException e) {
          throw new DirectoryIteratorException(e);
        }
      }
      return next != null;
    }

    @Override
    public Path next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Path found = next;
      next = null;
      return Objects.requireNonNull(found);
    }
  }
}
