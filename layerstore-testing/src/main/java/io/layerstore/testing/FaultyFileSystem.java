package io.layerstore.testing;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.WatchService;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;

/**
 * A file system over another that fails on demand, and keeps a list of every change it was asked
 * for.
 *
 * <p>Three uses:
 *
 * <ul>
 *   <li><b>A crash.</b> {@link #stopAfter} lets some changes pass; the next one and all after it
 *       throw {@link Stopped} and do nothing, as for a process that is gone. So no {@code finally}
 *       of the code under test can tidy up. Then open what is on the file system below, and see
 *       whether it is sound. {@link #tearWrites} makes the write at which it stops write half of
 *       its bytes.
 *   <li><b>A failure.</b> {@link #failAt} and {@link #failWhen} make single changes fail, with an
 *       error that the code under test has to report; what it promises for that case can be looked
 *       at.
 *   <li><b>An order.</b> {@link #operations} tells what was written, forced to the disk and
 *       renamed, and in which order.
 * </ul>
 *
 * <p>It can be poorer than the one below for good: {@link #lack}, {@link #forbid}, {@link
 * #hideFileKeys}.
 *
 * <p>It also knows which channels and directory streams are open, for a look at leaks. Nothing is
 * really forced to the disk, and no file lock is taken below, so that what "crashed" holds none.
 * Reading is never counted, and fails only where {@link #refuseToOpen} says so. Paths are wrapped:
 * {@link #wrap} and {@link #unwrap} lead in and out. It is not the default file system, whatever is
 * below. Safe for use by many threads.
 */
public final class FaultyFileSystem extends FileSystem {

  /** The process is gone, as far as this file system knows. */
  public static final class Stopped extends IOException {
    private static final long serialVersionUID = 1L;

    Stopped(FileOperation before) {
      super("stopped before " + before);
    }
  }

  private final FileSystem delegate;
  private final FaultyProvider provider;
  private final List<FileOperation> operations = new ArrayList<>();
  private final Map<Object, String> open = new LinkedHashMap<>();

  /** Changes asked for since the last order to stop or fail. */
  private int asked;

  private int stopAt = Integer.MAX_VALUE;
  private int failAt = Integer.MAX_VALUE;
  private Predicate<FileOperation> failWhen = operation -> false;
  private Predicate<FileOperation> isOutOfSpace = operation -> false;
  private Predicate<Path> refusesToOpen = path -> false;
  private final Map<FileOperation.Kind, Supplier<Exception>> refusals = new HashMap<>();
  private boolean hidesFileKeys;
  private boolean tearsWrites;
  private boolean isStopped;

  private FaultyFileSystem(FileSystem delegate) {
    this.delegate = delegate;
    this.provider = new FaultyProvider(this, delegate.provider());
  }

  /** A file system over {@code delegate} that has no faults yet. */
  public static FaultyFileSystem over(FileSystem delegate) {
    return new FaultyFileSystem(delegate);
  }

  /** {@code path} of the file system below, as a path of this one. */
  public Path wrap(Path path) {
    if (path.getFileSystem() != delegate) {
      throw new IllegalArgumentException("not of the file system below: " + path);
    }
    return new FaultyPath(this, path);
  }

  /** {@code path} of this file system, as a path of the one below; other paths as they are. */
  public static Path unwrap(Path path) {
    return path instanceof FaultyPath faulty ? faulty.delegate() : path;
  }

  /** Lets {@code count} changes pass, and stops before the next. */
  public synchronized void stopAfter(int count) {
    asked = 0;
    stopAt = count;
  }

  /** Makes a write at which it stops write the first half of its bytes. */
  public synchronized void tearWrites() {
    tearsWrites = true;
  }

  /** Whether it stopped. */
  public synchronized boolean isStopped() {
    return isStopped;
  }

  /** Lets {@code count} changes pass, lets the next one fail, and lets all after it pass. */
  public synchronized void failAt(int count) {
    asked = 0;
    failAt = count;
  }

  /** Lets every change fail that {@code predicate} is true of, until it is told something else. */
  public synchronized void failWhen(Predicate<FileOperation> predicate) {
    failWhen = Objects.requireNonNull(predicate, "predicate");
  }

  /**
   * Lets every change fail for want of space that {@code predicate} is true of, until it is told
   * something else.
   */
  public synchronized void runOutOfSpaceWhen(Predicate<FileOperation> predicate) {
    isOutOfSpace = Objects.requireNonNull(predicate, "predicate");
  }

  /**
   * Refuses to open every file or directory that {@code predicate} is true of, for reading or
   * writing, as for a process that has no descriptors left, until it is told something else.
   */
  public synchronized void refuseToOpen(Predicate<Path> predicate) {
    refusesToOpen = Objects.requireNonNull(predicate, "predicate");
  }

  /** Called before a file or directory is opened; throws if it must not be. */
  synchronized void beforeOpening(Path path) throws IOException {
    if (refusesToOpen.test(path)) {
      throw new FileSystemException(path.toString(), null, "Too many open files");
    }
  }

  /** Makes it a file system that has no changes of {@code kind}. */
  public synchronized void lack(FileOperation.Kind kind) {
    refusals.put(kind, () -> new UnsupportedOperationException(kind + " is not supported"));
  }

  /** Makes it a file system on which this user may make no changes of {@code kind}. */
  public synchronized void forbid(FileOperation.Kind kind) {
    refusals.put(kind, () -> new AccessDeniedException(kind.toString()));
  }

  /** Makes it a file system that does not tell which names are of one file. */
  public synchronized void hideFileKeys() {
    hidesFileKeys = true;
  }

  synchronized boolean hidesFileKeys() {
    return hidesFileKeys;
  }

  /** The changes that were carried out, in their order. */
  public synchronized List<FileOperation> operations() {
    return List.copyOf(operations);
  }

  /** Empties the list of changes. */
  public synchronized void forgetOperations() {
    operations.clear();
  }

  /** What is open at this moment: channels and directory streams, by their path. */
  public synchronized List<String> openResources() {
    return List.copyOf(open.values());
  }

  /** Called before a change is made; throws if it must not be. */
  synchronized void before(FileOperation operation) throws IOException {
    Supplier<Exception> refusal = refusals.get(operation.kind());
    if (refusal != null) {
      Exception e = refusal.get();
      if (e instanceof IOException failure) {
        throw failure;
      }
      throw (RuntimeException) e;
    }
    if (isStopped || asked == stopAt) {
      isStopped = true;
      throw new Stopped(operation);
    }
    boolean fails = asked == failAt || failWhen.test(operation);
    asked++;
    if (isOutOfSpace.test(operation)) {
      throw new FileSystemException(operation.path().toString(), null, "No space left on device");
    }
    if (fails) {
      throw new FileSystemException(
          operation.path().toString(), null, "Input/output error, at " + operation.kind());
    }
    operations.add(operation);
  }

  /** Whether the next write is the one to write a half of. */
  synchronized boolean tearsNextWrite() {
    return tearsWrites && !isStopped && asked == stopAt;
  }

  synchronized void opened(Object resource, Path path) {
    open.put(resource, path.toString());
  }

  synchronized void closed(Object resource) {
    open.remove(resource);
  }

  FileSystem delegate() {
    return delegate;
  }

  @Override
  public FaultyProvider provider() {
    return provider;
  }

  /** Does nothing; the file system below is its owner's to close. */
  @Override
  public void close() {}

  @Override
  public boolean isOpen() {
    return delegate.isOpen();
  }

  @Override
  public boolean isReadOnly() {
    return delegate.isReadOnly();
  }

  @Override
  public String getSeparator() {
    return delegate.getSeparator();
  }

  @Override
  public Iterable<Path> getRootDirectories() {
    return StreamSupport.stream(delegate.getRootDirectories().spliterator(), false)
        .map(this::wrap)
        .toList();
  }

  @Override
  public Iterable<FileStore> getFileStores() {
    return delegate.getFileStores();
  }

  @Override
  public Set<String> supportedFileAttributeViews() {
    return delegate.supportedFileAttributeViews();
  }

  @Override
  public Path getPath(String first, String... more) {
    return wrap(delegate.getPath(first, more));
  }

  @Override
  public PathMatcher getPathMatcher(String syntaxAndPattern) {
    PathMatcher matcher = delegate.getPathMatcher(syntaxAndPattern);
    return path -> matcher.matches(unwrap(path));
  }

  @Override
  public UserPrincipalLookupService getUserPrincipalLookupService() {
    return delegate.getUserPrincipalLookupService();
  }

  @Override
  public WatchService newWatchService() {
    throw new UnsupportedOperationException("no watching here");
  }
}
