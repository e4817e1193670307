package io.layerstore.core.tar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** The tar package of the Go distribution, as a program compiled on the spot. */
final class GoOracle {

  private final Path directory;
  private final Path program;

  /** Compiles the program in {@code directory}; skips the test if there is no Go. */
  GoOracle(Path directory) throws Exception {
    this.directory = directory;
    this.program = directory.resolve("oracle");
    assumeTrue(hasGo(), "no Go compiler, whose tar package is the reference");
    Path source = directory.resolve("oracle.go");
    try (InputStream in = GoOracle.class.getResourceAsStream("oracle.go.txt")) {
      Files.copy(Objects.requireNonNull(in), source);
    }
    ProcessBuilder build =
        new ProcessBuilder("go", "build", "-o", program.toString(), source.toString());
    build.environment().put("GOCACHE", directory.resolve("cache").toString());
    build.environment().put("GOPATH", directory.resolve("path").toString());
    build.environment().put("GO111MODULE", "off");
    build.environment().put("GOFLAGS", "");
    build.environment().put("CGO_ENABLED", "0");
    run(build, directory.resolve("build.log"));
  }

  private static boolean hasGo() throws InterruptedException {
    try {
      return new ProcessBuilder("go", "version").redirectErrorStream(true).start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** Runs the program over {@code input}; gives the lines it prints. */
  List<String> ask(String mode, byte[] input) throws Exception {
    Path in = Files.write(directory.resolve("input"), input);
    Path out = directory.resolve("output");
    run(new ProcessBuilder(program.toString(), mode).redirectInput(in.toFile()), out);
    return Files.readAllLines(out, StandardCharsets.US_ASCII);
  }

  private static void run(ProcessBuilder builder, Path out) throws Exception {
    Process process = builder.redirectErrorStream(true).redirectOutput(out.toFile()).start();
    try {
      assumeTrue(process.waitFor(5, TimeUnit.MINUTES), "Go takes too long on this machine");
      assertEquals(0, process.exitValue(), () -> read(out));
    } finally {
      process.destroyForcibly();
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
