package io.layerstore.overlay2.linux;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.SpawnFailure;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Finds the program {@code layerstore-helper} for this machine.
 *
 * <p>A path in the system property {@value #PROPERTY} is used, or fails: nothing else is tried
 * then. Otherwise the program is in the jar, for each architecture under a name that {@link
 * #resourceName} tells, and is copied to a directory that belongs to this user alone: {@code
 * $XDG_CACHE_HOME/layerstore} or {@code ~/.cache/layerstore}, where it stays, checked by its
 * content before each use; else a new temporary directory, which goes with the JVM. Never below the
 * root of a store, where it would be among files that images bring. A directory of a file system
 * mounted {@code noexec} is found out by trying, and the next one is tried.
 *
 * <p>Safe for use by many threads and processes.
 */
public final class HelperBinary {

  /** The system property with the path of a program to use. */
  public static final String PROPERTY = HelperProcess.PROPERTY;

  private static final String NAME = "layerstore-helper";
  private static final Set<PosixFilePermission> PRIVATE_DIRECTORY =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> PROGRAM =
      PosixFilePermissions.fromString("r-x------");

  private static final int TRIAL_SECONDS = 30;

  private HelperBinary() {}

  /** What is in a temporary directory, for lack of a better place; guarded by the class. */
  private static @Nullable Path temporaryProgram;

  /**
   * The path of a helper that can be executed.
   *
   * @param storeRoot the root of the store it is for; the helper is not put below it
   * @throws DriverNotSupportedException if there is none; the reason says what was tried and what
   *     to do
   */
  public static Path locate(Path storeRoot) throws DriverNotSupportedException {
    String configured = System.getProperty(PROPERTY);
    if (configured != null) {
      return configured(configured);
    }
    byte[] program = packaged(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
    return extracted(program, candidates(), storeRoot);
  }

  private static Path configured(String text) throws DriverNotSupportedException {
    Path path;
    try {
      path = Path.of(text).toAbsolutePath();
    } catch (InvalidPathException e) {
      throw unsupported("the system property " + PROPERTY + " is no path: " + text);
    }
    if (!Files.isRegularFile(path) || !Files.isExecutable(path)) {
      throw unsupported(
          "the system property "
              + PROPERTY
              + " names "
              + path
              + ", which is no program that can be executed");
    }
    return path;
  }

  // ---- in the jar ----

  /**
   * The name of the program's resource for an operating system and architecture as the JVM calls
   * them.
   */
  static String resourceName(String osName, String osArch) {
    String arch =
        switch (osArch.toLowerCase(Locale.ROOT)) {
          case "amd64", "x86_64", "x86-64" -> "x86_64";
          case "aarch64", "arm64" -> "aarch64";
          default -> osArch.toLowerCase(Locale.ROOT);
        };
    return "/io/layerstore/overlay2/native/"
        + osName.toLowerCase(Locale.ROOT)
        + "-"
        + arch
        + "/"
        + NAME;
  }

  static byte[] packaged(String osName, String osArch) throws DriverNotSupportedException {
    byte[] program;
    try (InputStream in = HelperBinary.class.getResourceAsStream(resourceName(osName, osArch))) {
      program = in == null ? null : in.readAllBytes();
    } catch (IOException e) {
      throw unsupported("cannot read the native helper from the jar: " + e);
    }
    if (program == null) {
      throw unsupported(
          "this build of layerstore-overlay2 has no native helper for "
              + osName
              + " on "
              + osArch
              + "; build the module where a C compiler is installed, or name a helper with the system property "
              + PROPERTY);
    }
    return program;
  }

  // ---- in a directory ----

  private static List<Path> candidates() {
    List<Path> directories = new ArrayList<>();
    String cache = System.getenv("XDG_CACHE_HOME");
    if (cache != null && cache.startsWith("/")) {
      directories.add(Path.of(cache, "layerstore"));
    }
    String home = System.getProperty("user.home", "");
    if (home.startsWith("/")) {
      directories.add(Path.of(home, ".cache", "layerstore"));
    }
    return directories;
  }

  /** Tries {@code directories}, then a temporary one. */
  static Path extracted(byte[] program, List<Path> directories, Path storeRoot)
      throws DriverNotSupportedException {
    List<String> tried = new ArrayList<>();
    for (Path directory : directories) {
      Path found = tryDirectory(program, directory, storeRoot, tried);
      if (found != null) {
        return found;
      }
    }
    Path found = inTemporaryDirectory(program, storeRoot, tried);
    if (found == null) {
      throw unsupported(
          "no place for the native helper; tried "
              + String.join("; ", tried)
              + ". Put it where programs can be executed and name it with the system property "
              + PROPERTY);
    }
    return found;
  }

  /** In one directory for all stores of this process. */
  private static synchronized @Nullable Path inTemporaryDirectory(
      byte[] program, Path storeRoot, List<String> tried) {
    try {
      Path known = temporaryProgram;
      if (known != null && isIntact(known, program) && !isBelow(known, storeRoot)) {
        return known;
      }
    } catch (IOException e) {
      tried.add(temporaryProgram + ": " + e.getMessage());
    }
    Path temporary = temporaryDirectory(tried);
    Path found = temporary == null ? null : tryDirectory(program, temporary, storeRoot, tried);
    if (found != null) {
      found.toFile().deleteOnExit();
      temporaryProgram = found;
    }
    return found;
  }

  /** One that is kept until the JVM ends; however it ends, the next one deletes it. */
  private static @Nullable Path temporaryDirectory(List<String> tried) {
    try {
      return WorkDirectory.create(Path.of(System.getProperty("java.io.tmpdir", "/tmp"))).toTheEnd();
    } catch (IOException e) {
      tried.add("a temporary directory: " + e);
      return null;
    }
  }

  private static @Nullable Path tryDirectory(
      byte[] program, Path directory, Path storeRoot, List<String> tried) {
    try {
      if (isBelow(directory, storeRoot)) {
        tried.add(directory + ": is inside the store");
        return null;
      }
      makePrivate(directory);
      return place(program, directory);
    } catch (IOException e) {
      tried.add(directory + ": " + e.getMessage());
      return null;
    }
  }

  /** By the real directories on the way, as far as they exist. */
  private static boolean isBelow(Path directory, Path storeRoot) throws IOException {
    for (Path at = directory.toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.exists(at) && Files.exists(storeRoot) && Files.isSameFile(at, storeRoot)) {
        return true;
      }
    }
    return false;
  }

  /** Makes the directory, or checks that one that exists belongs to this user alone. */
  private static void makePrivate(Path directory) throws IOException {
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      Path parent = directory.getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      try {
        Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(PRIVATE_DIRECTORY));
      } catch (FileAlreadyExistsException e) {
        // Another process was faster; looked at like any other.
      }
    }
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException("no directory");
    }
    if (!WorkDirectory.isOwn(directory)) {
      throw new IOException("belongs to another user");
    }
    if (!Files.getPosixFilePermissions(directory, LinkOption.NOFOLLOW_LINKS)
        .equals(PRIVATE_DIRECTORY)) {
      Files.setPosixFilePermissions(directory, PRIVATE_DIRECTORY);
    }
  }

  private static Path place(byte[] program, Path directory) throws IOException {
    WorkDirectory.sweep(directory);
    Path target = directory.resolve(fileName(program));
    if (isIntact(target, program)) {
      return target;
    }
    try (WorkDirectory work = WorkDirectory.create(directory)) {
      Path temporary = work.file(NAME);
      try (FileChannel channel =
              FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
          OutputStream out = Channels.newOutputStream(channel)) {
        out.write(program);
        channel.force(true);
      }
      Files.setPosixFilePermissions(temporary, PROGRAM);
      requireExecutable(temporary);
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException("cannot rename: " + e.getMessage(), e);
    }
    return target;
  }

  /** Another one for another program; SHA-256 would take a JVM that has just begun 100 ms. */
  private static String fileName(byte[] program) {
    CRC32 crc = new CRC32();
    crc.update(program);
    return String.format(Locale.ROOT, "%s-%08x%08x", NAME, crc.getValue(), program.length);
  }

  private static boolean isIntact(Path target, byte[] program) throws IOException {
    try {
      return Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)
          && Files.isExecutable(target)
          && Arrays.equals(Files.readAllBytes(target), program);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static void requireExecutable(Path program) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(program.toString(), "--version").redirectErrorStream(true);
    builder.environment().clear();
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new IOException(SpawnFailure.explain(program, e), e);
    }
    try {
      process.getInputStream().readNBytes(1024);
      if (!process.waitFor(TRIAL_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new IOException("the native helper does not run there");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      process.destroyForcibly();
    }
  }

  private static DriverNotSupportedException unsupported(String reason) {
    return new DriverNotSupportedException(HelperProcess.DRIVER, reason);
  }
}
