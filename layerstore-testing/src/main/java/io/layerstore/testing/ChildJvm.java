package io.layerstore.testing;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Another Java virtual machine, of this one's version and class path, for what needs a process of
 * its own.
 */
public final class ChildJvm {

  private ChildJvm() {}

  /**
   * Runs the {@code main} method of a class and expects the process to succeed.
   *
   * @param options options of the virtual machine, such as {@code -Xmx64m}
   */
  public static Tool.Result run(List<String> options, Class<?> main, Object... arguments)
      throws IOException, InterruptedException {
    return java().run(arguments(options, main, arguments).toArray());
  }

  /**
   * Starts the {@code main} method of a class and does not wait for it; the caller talks to it over
   * its standard input and output, and ends it.
   */
  public static Process start(Class<?> main, Object... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(java().program().toString()));
    arguments(List.of(), main, arguments).forEach(word -> command.add(word.toString()));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  /**
   * Runs the {@code main} method under a program that gets the command line after its own
   * arguments.
   *
   * @param before the program's own arguments
   */
  public static Tool.Result runUnder(
      Tool program, List<?> before, Class<?> main, Object... arguments)
      throws IOException, InterruptedException {
    Stream<Object> command =
        Stream.of(
                before.stream(),
                Stream.of(java().program()),
                arguments(List.of(), main, arguments).stream())
            .flatMap(part -> part);
    return program.run(command.toArray());
  }

  private static Tool java() {
    return Tool.at(Path.of(System.getProperty("java.home"), "bin", "java"));
  }

  private static List<Object> arguments(List<String> options, Class<?> main, Object... arguments) {
    return Stream.<Stream<?>>of(
            Stream.of("-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir")),
            options.stream(),
            Stream.of("-cp", classPath(), main.getName()),
            Stream.of(arguments))
        .<Object>flatMap(part -> part)
        .toList();
  }

  /**
   * The build tool starts this machine with an empty class path, and puts the real one in a
   * property.
   */
  private static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }
}
