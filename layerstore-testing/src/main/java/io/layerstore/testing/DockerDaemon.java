package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A Docker daemon of the test's own, on a data root of the test's own, reached over a socket of its
 * own and without any network.
 *
 * <p>{@link #start} returns when the daemon answers; {@link #stop} ends it in an orderly way,
 * {@link #kill} does not. {@link #close} leaves no process and no mount behind, whatever happened
 * before. The data root is the test's to delete. A test is skipped where there is no daemon to
 * start, or no root to start it. Not safe for use by several threads.
 *
 * <p>The system property {@value #PROGRAM} names a dockerd other than the one of the machine. What
 * stands beside it goes with it: the client, containerd and its shim, and plugins of the client in
 * {@code cli-plugins}.
 */
public final class DockerDaemon implements AutoCloseable {

  /** The path of the dockerd that the tests are to use. */
  private static final String PROGRAM = "layerstore.dockerd";

  private static final long SECONDS = 60;

  /** What dockerd logs, at whatever level, about what it finds in its data root and leaves out. */
  private static final List<String> FAULTS =
      List.of(
          "level=error",
          "level=fatal",
          "level=panic",
          "panic:",
          "Failed to load layer",
          "Failed to load mount",
          "not restoring image",
          "invalid image",
          "invalid mount id",
          "failed to verify",
          "failed to load container");

  /**
   * What the supervisor of containerd ({@code libcontainerd/supervisor} of moby) logs as an error
   * while the containerd that dockerd has begun is slow to answer, as on a busy machine, and is
   * begun again. It has seen nothing of the data root's layers, images and containers. Versions
   * differ in whether the text begins in capitals.
   */
  private static final List<String> SLOW_CONTAINERD =
      List.of(
          "failed connecting to containerd",
          "containerd did not exit successfully",
          "failed restarting containerd",
          "failed to get event");

  private static final Pattern VERSION = Pattern.compile("version (\\d+)\\.");

  private final Path dataRoot;
  private final Path runtime;
  private final Tool client;
  private final Process process;
  private final List<String> log = Collections.synchronizedList(new ArrayList<>());
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private final Thread reader;

  private DockerDaemon(Path dataRoot, Path runtime, Tool client, Process process) {
    this.dataRoot = dataRoot;
    this.runtime = runtime;
    this.client = client;
    this.process = process;
    this.reader = new Thread(this::readLog, "dockerd log");
    reader.setDaemon(true);
    reader.start();
  }

  /**
   * Starts a daemon that keeps everything in {@code dataRoot}, with the graph driver {@code
   * driver}.
   */
  public static DockerDaemon start(Path dataRoot, String driver)
      throws IOException, InterruptedException {
    return start(dataRoot, driver, Map.of(), List.of());
  }

  /** The same, with more environment variables for the daemon. */
  public static DockerDaemon start(Path dataRoot, String driver, Map<String, String> environment)
      throws IOException, InterruptedException {
    return start(dataRoot, driver, environment, List.of());
  }

  /** The same, with more options for the daemon. */
  public static DockerDaemon start(
      Path dataRoot, String driver, Map<String, String> environment, List<String> options)
      throws IOException, InterruptedException {
    Machine.requireRoot();
    Tool dockerd = program();
    for (Map.Entry<String, String> variable : environment.entrySet()) {
      dockerd = dockerd.with(variable.getKey(), variable.getValue());
    }
    assumeTrue(
        Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))
            || Files.exists(Path.of("/sys/fs/cgroup/devices")),
        "needs control groups under /sys/fs/cgroup");
    // The path of a socket has 107 bytes at the most.
    Path runtime = Files.createTempDirectory("dockerd");
    DockerDaemon daemon =
        new DockerDaemon(
            dataRoot,
            runtime,
            clientOf(dockerd)
                .with("DOCKER_CONFIG", clientConfig(dockerd, runtime).toString())
                .with("DOCKER_HOST", socket(runtime)),
            dockerd
                .builder(
                    Stream.concat(
                            Stream.of(
                                "--data-root=" + dataRoot,
                                "--exec-root=" + runtime.resolve("exec"),
                                "--pidfile=" + runtime.resolve("pid"),
                                "--host=" + socket(runtime),
                                "--storage-driver=" + driver,
                                "--debug",
                                "--bridge=none",
                                "--iptables=false",
                                "--ip-forward=false",
                                "--ip-masq=false"),
                            options.stream())
                        .toArray())
                .redirectErrorStream(true)
                .start());
    try {
      daemon.awaitReady();
    } catch (InterruptedException | RuntimeException | Error e) {
      daemon.close();
      throw e;
    }
    return daemon;
  }

  /** The dockerd that the tests use; a test on a machine without one is skipped. */
  public static Tool program() {
    String path = System.getProperty(PROGRAM);
    if (path == null) {
      return Tool.require("dockerd");
    }
    Path program = Path.of(path);
    assumeTrue(Files.isExecutable(program), "needs " + path + ", which is not there");
    return Tool.at(program)
        .with("PATH", program.getParent() + ":" + System.getenv().getOrDefault("PATH", ""));
  }

  /** Whether the dockerd is of this major version or a later one. */
  public static boolean isAtLeast(int major) throws IOException, InterruptedException {
    String version = program().run("--version").text();
    Matcher number = VERSION.matcher(version);
    if (!number.find()) {
      throw new AssertionError("no version: " + version);
    }
    return Integer.parseInt(number.group(1)) >= major;
  }

  /** Starts a daemon, and fails unless it finds fault with nothing in its data root. */
  public static DockerDaemon startCleanly(Path dataRoot, String driver)
      throws IOException, InterruptedException {
    DockerDaemon daemon = start(dataRoot, driver);
    List<String> complaints = daemon.complaints();
    if (!complaints.isEmpty()) {
      daemon.close();
    }
    assertEquals(List.of(), complaints, "dockerd complains about its data root");
    return daemon;
  }

  /** Runs the Docker client with {@code arguments} and expects it to succeed. */
  public Tool.Result docker(Object... arguments) throws IOException, InterruptedException {
    return client.run(arguments);
  }

  /** The Docker client, which talks to this daemon. */
  public Tool client() {
    return client;
  }

  /** The data root. */
  public Path dataRoot() {
    return dataRoot;
  }

  /** What the daemon has logged so far, debug messages included. */
  public List<String> log() {
    synchronized (log) {
      return List.copyOf(log);
    }
  }

  /**
   * The lines of the log in which the daemon finds fault with something: every error, and what it
   * leaves out of its data root, at whatever level it says so.
   */
  public List<String> complaints() {
    return log().stream().filter(DockerDaemon::isComplaint).toList();
  }

  static boolean isComplaint(String line) {
    boolean isSlowContainerd =
        line.contains("module=libcontainerd")
            && SLOW_CONTAINERD.stream()
                .anyMatch(text -> line.toLowerCase(Locale.ROOT).contains("msg=\"" + text + "\""));
    return !isSlowContainerd && FAULTS.stream().anyMatch(line::contains);
  }

  /** The version of the daemon, such as {@code 20.10.24+dfsg1}. */
  public String version() throws IOException, InterruptedException {
    return docker("version", "--format", "{{.Server.Version}}").text();
  }

  /**
   * Ends the daemon in an orderly way, waits for that, and gives everything back but the data root.
   */
  public void stop() throws IOException, InterruptedException {
    process.destroy();
    boolean ended = process.waitFor(SECONDS, TimeUnit.SECONDS);
    close();
    if (!ended) {
      throw new AssertionError("dockerd did not end within " + SECONDS + " seconds\n" + text());
    }
  }

  /** Kills the daemon and all it started, as a power cut would. */
  public void kill() throws IOException, InterruptedException {
    process.destroyForcibly();
    close();
  }

  @Override
  public void close() throws IOException {
    try {
      cleanUp();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while ending dockerd", e);
    }
  }

  private void cleanUp() throws IOException, InterruptedException {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().waitFor();
    leftovers().forEach(DockerDaemon::killTree);
    reader.join(TimeUnit.SECONDS.toMillis(SECONDS));
    unmountAll(runtime);
    unmountAll(dataRoot);
    if (Files.exists(runtime)) {
      Tool.require("rm").run("-rf", runtime);
    }
  }

  private void awaitReady() throws InterruptedException {
    try {
      ready.get(SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError("dockerd did not start\n" + text(), e);
    }
  }

  private void readLog() {
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        log.add(line);
        if (line.contains("API listen on")) {
          ready.complete(null);
        }
      }
      ready.completeExceptionally(new IOException("dockerd ended"));
    } catch (IOException e) {
      ready.completeExceptionally(e);
    }
  }

  private String text() {
    return String.join("\n", log());
  }

  /** The client's own directory; what is beside the daemon comes before what the machine has. */
  private static Path clientConfig(Tool dockerd, Path runtime) throws IOException {
    Path config = Files.createDirectory(runtime.resolve("config"));
    Path plugins = dockerd.program().resolveSibling("cli-plugins");
    if (Files.isDirectory(plugins)) {
      Files.createSymbolicLink(config.resolve("cli-plugins"), plugins);
    }
    return config;
  }

  private static String socket(Path runtime) {
    return "unix://" + runtime.resolve("s");
  }

  /**
   * The client that came with the daemon: one of another year may not speak its protocol any more.
   */
  private static Tool clientOf(Tool dockerd) {
    Path home = dockerd.program().getParent();
    return Stream.of(home.resolve("docker"), home.resolveSibling("bin").resolve("docker"))
        .filter(Files::isExecutable)
        .findFirst()
        .map(Tool::at)
        .orElseGet(() -> Tool.require("docker"));
  }

  /** Container shims outlive the daemon; their command line names its run-time directory. */
  private Stream<ProcessHandle> leftovers() {
    String mark = runtime + "/";
    return ProcessHandle.allProcesses()
        .filter(
            other -> other.info().commandLine().filter(line -> line.contains(mark)).isPresent());
  }

  private static void killTree(ProcessHandle handle) {
    List<ProcessHandle> tree = Stream.concat(Stream.of(handle), handle.descendants()).toList();
    tree.forEach(ProcessHandle::destroyForcibly);
    tree.forEach(each -> each.onExit().join());
  }

  /** Undoes the mounts in a directory; the daemon mounts its data root on itself, too. */
  private static void unmountAll(Path directory) throws IOException, InterruptedException {
    Tool umount = Tool.require("umount");
    List<String> mounts = new ArrayList<>();
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/mountinfo"))) {
      lines
          .map(line -> line.split(" ", 6)[4])
          .filter(point -> (point + "/").startsWith(directory + "/"))
          .forEach(mounts::add);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    Collections.reverse(mounts);
    for (String mount : mounts) {
      umount.run("--lazy", mount);
    }
  }
}
