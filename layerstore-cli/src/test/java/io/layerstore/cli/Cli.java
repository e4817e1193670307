package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.layerstore.ByteString;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Runs the command line in this process, on a store at {@code root} with the driver that works
 * everywhere.
 */
record Cli(Path root, Map<String, String> environment) {

  Cli(Path root) {
    this(root, Map.of());
  }

  /** The same store, with one variable in the environment. */
  Cli with(String variable, String value) {
    return new Cli(root, Map.of(variable, value));
  }

  /** What one run gave. */
  record Result(int status, ByteString bytes, String err) {

    String out() {
      return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
    }

    List<String> lines() {
      return out().lines().toList();
    }

    /** The standard output, which must be exactly one JSON object. */
    Map<?, ?> json() throws IOException {
      return assertInstanceOf(
          Map.class, JsonTree.read(new ByteArrayInputStream(bytes.toByteArray())));
    }

    /** Fails unless the run succeeded without a word on the error output. */
    Result succeeded() {
      assertEquals("", err);
      assertEquals(0, status);
      return this;
    }

    /**
     * Fails unless the run ended with {@code expected} and one line on the error output, which is
     * returned.
     */
    String failed(int expected) {
      assertEquals(expected, status, err);
      assertEquals(1, err.lines().count(), err);
      return err.strip();
    }
  }

  /** Runs a command on the store. */
  Result run(String... args) {
    return run(new byte[0], args);
  }

  /** Runs a command on the store with {@code in} as its standard input. */
  Result run(byte[] in, String... args) {
    List<String> all = new ArrayList<>(List.of("--root", root.toString(), "--driver", "vfs"));
    all.addAll(List.of(args));
    return run(in, all.toArray(new String[0]), environment);
  }

  /** Runs a command line as it is. */
  static Result runPlain(byte[] in, String... args) {
    return run(in, args, System.getenv());
  }

  private static Result run(byte[] in, String[] args, Map<String, String> environment) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Console console = new Console(new ByteArrayInputStream(in), out, err, false, false);
    int status = Main.run(args, console, environment);
    return new Result(
        status, ByteString.of(out.toByteArray()), err.toString(StandardCharsets.UTF_8));
  }
}
