package io.layerstore.driver;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * A number that is another one when any of some files was changed: made from what the file system
 * says of them without opening any. A file that is written to has another time, one that is
 * replaced another identity; a directory has another time when a name in it comes or goes.
 *
 * <p>A change that sets the time of a file back goes unnoticed.
 */
public final class FileStamp {

  /** As coarse as the times of file systems are. */
  private static final long COARSEST_MILLIS = 2_000;

  private static final long MULTIPLIER = 0x9e3779b97f4a7c15L;

  private final long begunMillis = System.currentTimeMillis();
  private long value = 1;
  private long newestMillis;

  /** Begins with nothing. */
  public FileStamp() {}

  /**
   * Adds what is at {@code path}, be it a link.
   *
   * @throws java.nio.file.NoSuchFileException if there is nothing
   */
  public void add(Path path) throws IOException {
    BasicFileAttributes file =
        Files.readAttributes(path, BasicFileAttributes.class, NOFOLLOW_LINKS);
    FileTime time = file.lastModifiedTime();
    mix(Objects.hashCode(file.fileKey()));
    mix(file.size());
    mix(time.to(TimeUnit.NANOSECONDS));
    mix(file.isRegularFile() ? 1 : file.isDirectory() ? 2 : 3);
    newestMillis = Math.max(newestMillis, time.toMillis());
  }

  private void mix(long number) {
    value = (value ^ number) * MULTIPLIER;
    value ^= value >>> 29;
  }

  /** The number. */
  public long value() {
    return value;
  }

  /** The number, if every later change shows; see {@link #isSettled}. */
  public OptionalLong settled() {
    return isSettled() ? OptionalLong.of(value) : OptionalLong.empty();
  }

  /**
   * Whether every later change shows: not if a file was changed so shortly before this was begun
   * that a change after it may have the same time.
   */
  public boolean isSettled() {
    return newestMillis < begunMillis - COARSEST_MILLIS;
  }
}
