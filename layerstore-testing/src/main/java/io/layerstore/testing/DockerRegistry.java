package io.layerstore.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A registry of images of the test's own, which only this machine reaches.
 *
 * <p>A test is skipped where Docker's registry is not installed. Not safe for use by several
 * threads.
 */
public final class DockerRegistry implements AutoCloseable {

  private static final Pattern LISTENING =
      Pattern.compile("listening on (127\\.0\\.0\\.1:\\d+)(, tls)?");

  private final Process process;
  private final Thread reader;
  private final String address;

  private DockerRegistry(Process process, Thread reader, String address) {
    this.process = process;
    this.reader = reader;
    this.address = address;
  }

  /** Starts a registry that keeps everything in {@code directory}, which is empty. */
  public static DockerRegistry start(Path directory) throws IOException, InterruptedException {
    return start(directory, "", "");
  }

  /**
   * The same with more of a configuration, in YAML.
   *
   * @param http what comes below {@code http}, indented by two
   * @param top what comes at the end
   */
  public static DockerRegistry start(Path directory, String http, String top)
      throws IOException, InterruptedException {
    Tool registry = Tool.require("docker-registry");
    Path configuration =
        Files.writeString(
            directory.resolve("config.yml"),
            """
            version: 0.1
            storage:
              filesystem:
                rootdirectory: %s
            http:
              addr: 127.0.0.1:0
            %s
            %s
            """
                .formatted(directory.resolve("data"), http, top));
    Process process = registry.builder("serve", configuration).redirectErrorStream(true).start();
    try {
      BufferedReader log = process.inputReader(StandardCharsets.UTF_8);
      String address = awaitAddress(log);
      Thread reader = new Thread(() -> drain(log), "registry log");
      reader.setDaemon(true);
      reader.start();
      return new DockerRegistry(process, reader, address);
    } catch (IOException | RuntimeException | Error e) {
      process.destroyForcibly().waitFor();
      throw e;
    }
  }

  private static void drain(BufferedReader log) {
    try {
      String line = log.readLine();
      while (line != null) {
        line = log.readLine();
      }
    } catch (IOException e) {
      // The registry was ended.
    }
  }

  private static String awaitAddress(BufferedReader log) throws IOException {
    List<String> lines = new ArrayList<>();
    for (String line = log.readLine(); line != null; line = log.readLine()) {
      Matcher listening = LISTENING.matcher(line);
      if (listening.find()) {
        return listening.group(1);
      }
      lines.add(line);
    }
    throw new AssertionError("the registry did not start\n" + String.join("\n", lines));
  }

  /** Host and port; Docker trusts registries on this host without encryption. */
  public String address() {
    return address;
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor();
      reader.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
