package io.layerstore.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Entry point of the {@code layerstore} command. */
@Command(name = "layerstore", description = "Stores container layers as Docker's layer store does.")
public final class Main implements Runnable {

  private Main() {}

  /** Runs the command line and exits with its status. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Main()).execute(args));
  }

  @Override
  public void run() {
    CommandLine.usage(this, System.out);
  }
}
