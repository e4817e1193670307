package io.layerstore.overlay2;

import io.layerstore.DriverException;
import io.layerstore.overlay2.linux.DiffWriter;
import io.layerstore.overlay2.linux.HelperBinary;
import io.layerstore.overlay2.linux.LinuxCalls;
import io.layerstore.overlay2.linux.Mounts;
import io.layerstore.overlay2.linux.NativeLinuxCalls;
import io.layerstore.overlay2.linux.UserNamespace;
import io.layerstore.spi.HelperFailureException;
import io.layerstore.testing.FaultyFileSystem;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The kernel as the driver asks it, with one of its helpers dying at a request.
 *
 * <p>Every request counts as a change to a {@link FaultyFileSystem} as well, so that a crash or a
 * failure there can come between any two steps of the driver, whether Java or a helper takes them.
 */
final class FaultyLinux {

  /** When a helper dies. */
  enum Death {
    NEVER,
    /** Before it has read the request. */
    BEFORE,
    /** When it has done what it was asked, before it could say so. */
    AFTER
  }

  private static final Set<String> REQUESTS =
      Set.of(
          "openMounts",
          "mount",
          "mountDetached",
          "unmount",
          "list",
          "openWriter",
          "write",
          "takeWhiteout",
          "removeOld",
          "finish",
          "openDiff",
          "openTree",
          "remove",
          "exchange",
          "sync");

  private final LinuxCalls real;
  private final OverlayFeatures features;
  private final Path marker;
  private final FaultyFileSystem files;
  private final Set<ProcessHandle> others = helpers();

  /** How often each request was made. */
  private final Map<String, Integer> requests = new TreeMap<>();

  private Death death = Death.NEVER;
  private int asked;
  private int dieAt;

  private FaultyLinux(
      LinuxCalls real, OverlayFeatures features, Path marker, FaultyFileSystem files) {
    this.real = real;
    this.features = features;
    this.marker = marker;
    this.files = files;
  }

  /**
   * The real one, so far without faults.
   *
   * @param directory a directory for the driver to be tried in
   */
  static FaultyLinux inDirectory(Path directory) throws IOException {
    boolean isRoot = Overlay2Testing.isRoot();
    LinuxCalls real =
        new NativeLinuxCalls(
            HelperBinary.locate(directory), isRoot ? UserNamespace.NONE : UserNamespace.OF_USER);
    Path marker = Files.createFile(directory.resolve("requests"));
    return new FaultyLinux(
        real, new OverlayFeatures(real.probe(directory), isRoot), marker, newFiles(marker));
  }

  /** The same kernel again, with another file system and no faults. */
  FaultyLinux again() {
    return new FaultyLinux(real, features, marker, newFiles(marker));
  }

  private static FaultyFileSystem newFiles(Path marker) {
    return FaultyFileSystem.over(marker.getFileSystem());
  }

  /** The file system on which requests count as changes; for the files of the driver as well. */
  FaultyFileSystem files() {
    return files;
  }

  OverlayFeatures features() {
    return features;
  }

  LinuxCalls calls() {
    return proxy(LinuxCalls.class, real);
  }

  /** Lets {@code count} requests pass; at the next one the helpers die. */
  synchronized void dieAt(int count, Death when) {
    asked = 0;
    dieAt = count;
    death = when;
  }

  /** The requests made since this was last asked, and how often. */
  synchronized Map<String, Integer> takeRequests() {
    Map<String, Integer> taken = new TreeMap<>(requests);
    requests.clear();
    return taken;
  }

  private synchronized void count(String request) {
    requests.merge(request, 1, Integer::sum);
  }

  /** Lets all requests pass; whether the one to die at had come. */
  synchronized boolean recover() {
    boolean hasCome = death != Death.NEVER && asked > dieAt;
    death = Death.NEVER;
    return hasCome;
  }

  private synchronized Death next() {
    return death != Death.NEVER && asked++ == dieAt ? death : Death.NEVER;
  }

  private <T> T proxy(Class<T> type, Object target) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> ask(target, method, arguments)));
  }

  private Object ask(Object target, Method method, Object[] arguments) throws Throwable {
    if (!REQUESTS.contains(method.getName())) {
      if (method.getName().equals("close") && files.isStopped()) {
        killHelpers(); // They have died with the process, and so undo nothing.
      }
      return forward(target, method, arguments);
    }
    count(method.getName());
    try {
      Files.setLastModifiedTime(files.wrap(marker), FileTime.fromMillis(0));
    } catch (IOException e) {
      throw new DriverException("overlay2", null, "no helper can be asked", e);
    }
    Death now = next();
    if (now == Death.BEFORE) {
      killHelpers();
      if (target == real) {
        throw helperDied(method); // One that would have been started for this request.
      }
    }
    Object result = method.getName().equals("sync") ? null : forward(target, method, arguments);
    if (now == Death.AFTER) {
      killHelpers();
      if (result instanceof AutoCloseable open) {
        closeQuietly(open);
      }
      throw helperDied(method);
    }
    if (result instanceof Mounts) {
      return proxy(Mounts.class, result);
    }
    return result instanceof DiffWriter ? proxy(DiffWriter.class, result) : result;
  }

  private static Object forward(Object target, Method method, Object[] arguments) throws Throwable {
    Object[] unwrapped = arguments == null ? new Object[0] : arguments.clone();
    for (int i = 0; i < unwrapped.length; i++) {
      if (unwrapped[i] instanceof Path path) {
        unwrapped[i] = FaultyFileSystem.unwrap(path);
      }
    }
    try {
      return method.invoke(target, unwrapped);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static HelperFailureException helperDied(Method method) {
    return new HelperFailureException(
        "overlay2", null, method.getName(), 0, "the helper died", null);
  }

  private static void closeQuietly(AutoCloseable open) {
    try {
      open.close();
    } catch (Exception e) {
      // Its helper is dead, and the caller is told so.
    }
  }

  /** Kills the helpers that were started since this was made, as {@code kill -9} does. */
  private void killHelpers() {
    Set<ProcessHandle> own = helpers();
    own.removeAll(others);
    Overlay2Testing.kill(own);
  }

  private static Set<ProcessHandle> helpers() {
    try (Stream<ProcessHandle> processes = ProcessHandle.current().descendants()) {
      return processes.filter(Overlay2Testing::isHelper).collect(Collectors.toSet());
    }
  }
}
