package io.layerstore.core.view;

import io.layerstore.ArchiveException;
import io.layerstore.DiffId;
import io.layerstore.InvalidImageException;
import io.layerstore.Limits;
import io.layerstore.driver.Closing;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Layers that are fetched when they are needed, the highest first. What is known of them is put
 * together anew with each, from the headers of those that are there. Safe for use by many threads,
 * of which one fetches and those that need it wait.
 */
public final class OnDemand {

  private final int count;
  private final Source source;
  private final Limits limits;
  private final boolean onlyTop;
  private final String title;

  /** The layers that are there, the lowest first. */
  private final Deque<ArchivedLayer> fetched = new ArrayDeque<>();

  private volatile Shown shown;

  /** Gives layers. */
  @FunctionalInterface
  public interface Source {
    /** Fetches a layer, verified; the highest is asked for first, and again what failed. */
    ArchivedLayer fetch(int number) throws IOException;
  }

  private OnDemand(int count, Source source, ViewSettings settings, Limits limits)
      throws IOException {
    this.count = count;
    this.source = source;
    this.limits = limits;
    this.onlyTop = settings.onlyTop();
    this.title = settings.title();
    this.shown = index(count);
  }

  /**
   * A file system of layers of which none has been fetched.
   *
   * @param count how many there are
   */
  public static FileSystem open(int count, Source source, ViewSettings settings, Limits limits)
      throws IOException {
    try {
      OnDemand layers = new OnDemand(count, source, settings, limits);
      return new ViewFileSystem(layers.shown, layers, settings);
    } catch (IOException | RuntimeException e) {
      Closing.after(e, settings.resources());
      throw e;
    }
  }

  /** What is known now. */
  Shown shown() {
    return shown;
  }

  /** What is known when at least one layer more is than in {@code before}. */
  synchronized Shown more(Shown before) throws IOException {
    Shown known = shown;
    int missing = count - fetched.size();
    while (known.below() >= before.below() && missing > 0) {
      fetched.addFirst(source.fetch(--missing));
      try {
        known = index(missing);
        shown = known;
      } catch (LowerLayerNeededException e) {
        // A hard link to a file of a layer below, which comes next.
      } catch (ArchiveException e) {
        DiffId layer = fetched.removeFirst().diffId();
        throw new InvalidImageException(
            "the layer " + layer + " of " + title + " cannot be read: " + e.getMessage(), e);
      } catch (IOException | RuntimeException e) {
        fetched.removeFirst();
        throw e;
      }
    }
    return known;
  }

  private Shown index(int missing) throws IOException {
    // What it would close are the layers, which stay.
    LayerIndexer indexer = new LayerIndexer(missing > 0);
    for (ArchivedLayer layer : fetched) {
      indexer.add(layer, limits);
    }
    return indexer.shown(missing, onlyTop);
  }
}
