package io.layerstore.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Entry point of the {@code layerstore} command.
 *
 * <p>Exit status: 0; {@value #FAILED} when an operation failed, {@value #WRONG_USAGE} for wrong
 * usage, both with one line on the error output. {@code mount NAME -- COMMAND} exits as its command
 * does.
 */
public final class Main {
  /** The exit status of an operation that failed. */
  public static final int FAILED = 1;

  /** The exit status of a command line that makes no sense. */
  public static final int WRONG_USAGE = 2;

  private Main() {}

  /** Runs the command line and exits with its status. */
  public static void main(String[] args) {
    // Arguments are texts and flags: picocli need not look for java.sql and java.time, which costs
    // time.
    System.setProperty("picocli.converters.excludes", ".*");
    // A password in the URL of a proxy is meant for it.
    System.getProperties().putIfAbsent("jdk.http.auth.tunneling.disabledSchemes", "");
    Interruption interruption = Interruption.of(Thread.currentThread());
    Console console =
        new Console(
            Interruption.standardInput(),
            new FileOutputStream(FileDescriptor.out),
            new FileOutputStream(FileDescriptor.err),
            Console.isTerminal(1),
            Console.isTerminal(2));
    int status = FAILED;
    try {
      status = run(args, console, System.getenv());
    } finally {
      interruption.finished();
    }
    System.exit(status);
  }

  /**
   * Runs the command line on these streams, none of them a terminal, and returns the exit status.
   */
  public static int run(String[] args, InputStream in, OutputStream out, OutputStream err) {
    return run(args, new Console(in, out, err, false, false), System.getenv());
  }

  /** The whole command line, for what describes it: manual pages and shell completion. */
  public static CommandLine commandLine() {
    Console none =
        new Console(
            InputStream.nullInputStream(),
            OutputStream.nullOutputStream(),
            OutputStream.nullOutputStream(),
            false,
            false);
    return new Layerstore(none, Map.of()).commandLine(new String[] {"help"});
  }

  static int run(String[] args, Console console, Map<String, String> environment) {
    if (isVersion(args)) {
      return printVersion(console);
    }
    Layerstore layerstore = new Layerstore(console, environment);
    int status;
    try {
      CommandLine commandLine = layerstore.commandLine(args);
      commandLine.setParameterExceptionHandler((e, words) -> wrongUsage(e, console));
      commandLine.setExecutionExceptionHandler((e, command, parsed) -> failed(e, layerstore));
      PrintWriter help = new PrintWriter(layerstore.output().bytes(), false, UTF_8);
      commandLine.setOut(help);
      status = commandLine.execute(args);
      help.flush();
      layerstore.output().flush();
    } catch (IOException | RuntimeException e) {
      status = failed(e, layerstore);
    } finally {
      layerstore.progressBar().clear();
    }
    return status;
  }

  /** What other programs ask first; to describe the command line for it takes most of the time. */
  private static boolean isVersion(String[] args) {
    return args.length == 1 && (args[0].equals("--version") || args[0].equals("-V"));
  }

  private static int printVersion(Console console) {
    try {
      console.out().write((Layerstore.version() + System.lineSeparator()).getBytes(UTF_8));
      console.out().flush();
      return 0;
    } catch (IOException e) {
      console.complain(Failure.describe(e));
      return FAILED;
    }
  }

  private static int failed(Exception e, Layerstore layerstore) {
    layerstore.progressBar().clear();
    if (e instanceof ParameterException wrong) {
      return wrongUsage(wrong, layerstore.console());
    }
    layerstore.console().complain(Failure.describe(e));
    return e instanceof IllegalArgumentException ? WRONG_USAGE : FAILED;
  }

  private static int wrongUsage(ParameterException e, Console console) {
    String help = e.getCommandLine().getCommandSpec().qualifiedName() + " --help";
    String problem =
        e instanceof UnmatchedArgumentException unmatched
            ? Suggestion.describe(unmatched)
            : e.getMessage();
    console.complain(problem + "; see '" + help + "'");
    return WRONG_USAGE;
  }
}
