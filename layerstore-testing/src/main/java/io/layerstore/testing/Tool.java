package io.layerstore.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A program of this machine, such as GNU tar or skopeo, that a test compares the library with.
 *
 * <p>Immutable: {@link #in} and {@link #with} give changed copies. Programs run in the locale
 * {@code C.UTF-8}, with nothing to read on standard input, and are ended when they take longer than
 * ten minutes.
 */
public final class Tool {

  private static final long TIMEOUT_MINUTES = 10;

  private final Path program;
  private final Path directory;
  private final Map<String, String> environment;

  private Tool(Path program, Path directory, Map<String, String> environment) {
    this.program = program;
    this.directory = directory;
    this.environment = Map.copyOf(environment);
  }

  /** The program called {@code name}; a test on a machine without it is skipped. */
  public static Tool require(String name) {
    Optional<Tool> tool = find(name);
    assumeTrue(tool.isPresent(), "needs " + name + ", which is not installed");
    return tool.get();
  }

  /** The program called {@code name}, if this machine has it. */
  public static Optional<Tool> find(String name) {
    // An ordinary user's PATH leaves out the directories of the administrator's programs.
    return Stream.concat(
            Stream.of(System.getenv().getOrDefault("PATH", "").split(":")),
            Stream.of("/usr/sbin", "/sbin"))
        .filter(directory -> !directory.isEmpty())
        .map(directory -> Path.of(directory, name))
        .filter(Files::isExecutable)
        .findFirst()
        .map(Tool::at);
  }

  /** The program in the file {@code program}. */
  public static Tool at(Path program) {
    return new Tool(program, Path.of("/"), Map.of("LC_ALL", "C.UTF-8"));
  }

  /** Where the program is. */
  public Path program() {
    return program;
  }

  /** This program, run in {@code workingDirectory}. */
  public Tool in(Path workingDirectory) {
    return new Tool(program, workingDirectory, environment);
  }

  /** This program, run with one more environment variable. */
  public Tool with(String variable, String value) {
    Map<String, String> changed = new HashMap<>(environment);
    changed.put(variable, value);
    return new Tool(program, directory, changed);
  }

  /** Runs the program and expects it to succeed. */
  public Result run(Object... arguments) throws IOException, InterruptedException {
    Result result = attempt(arguments);
    if (result.status() != 0) {
      throw new AssertionError(result.toString());
    }
    return result;
  }

  /** Runs the program, whatever its exit status. */
  public Result attempt(Object... arguments) throws IOException, InterruptedException {
    Path out = Files.createTempFile("tool", ".out");
    try {
      Path err = Files.createTempFile("tool", ".err");
      try {
        return attempt(out, err, arguments);
      } finally {
        Files.delete(err);
      }
    } finally {
      Files.delete(out);
    }
  }

  private Result attempt(Path out, Path err, Object... arguments)
      throws IOException, InterruptedException {
    Process process =
        builder(arguments).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    boolean ended = false;
    try {
      ended = process.waitFor(TIMEOUT_MINUTES, TimeUnit.MINUTES);
    } finally {
      if (!ended) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
    }
    String command = process.info().commandLine().orElse(commandLine(arguments));
    if (!ended) {
      throw new AssertionError("still running after " + TIMEOUT_MINUTES + " minutes: " + command);
    }
    return new Result(commandLine(arguments), process.exitValue(), read(out), read(err));
  }

  /** A process of this program that is still to be started; the caller looks after it. */
  ProcessBuilder builder(Object... arguments) {
    List<String> command = new ArrayList<>();
    command.add(program.toString());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectInput(Path.of("/dev/null").toFile());
    builder.environment().putAll(environment);
    return builder;
  }

  private String commandLine(Object... arguments) {
    return Stream.concat(Stream.of(program), Stream.of(arguments))
        .map(Object::toString)
        .collect(Collectors.joining(" "));
  }

  private static String read(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }

  /**
   * What a program left behind.
   *
   * @param command what was run
   * @param status its exit status
   * @param out what it wrote to standard output
   * @param err what it wrote to standard error
   */
  public record Result(String command, int status, String out, String err) {

    /** The lines of the output. */
    public List<String> lines() {
      return out.lines().toList();
    }

    /** The output without white space around it. */
    public String text() {
      return out.strip();
    }

    @Override
    public String toString() {
      return command + " ended with status " + status + "\n" + out + err;
    }
  }
}
