package io.layerstore.testing;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The threads of the library that were there at one moment.
 *
 * <p>Tests compare with such a moment, because other tests in the same JVM leave stores as a
 * process would that died, threads and all.
 */
public final class LibraryThreads {

  /** How the names of all the library's threads begin. */
  private static final String PREFIX = "layerstore-";

  private final Set<Thread> before;

  private LibraryThreads(Set<Thread> before) {
    this.before = before;
  }

  /** Those there are now. */
  public static LibraryThreads now() {
    return new LibraryThreads(alive());
  }

  /** The names of those that were begun since, and have not ended; sorted. */
  public List<String> begunSince() {
    return alive().stream()
        .filter(thread -> !before.contains(thread))
        .map(Thread::getName)
        .sorted()
        .toList();
  }

  private static Set<Thread> alive() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.isAlive() && thread.getName().startsWith(PREFIX))
        .collect(Collectors.toSet());
  }
}
