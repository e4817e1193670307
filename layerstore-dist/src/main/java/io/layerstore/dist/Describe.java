package io.layerstore.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.cli.Main;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import picocli.CommandLine.Model.CommandSpec;

/** Writes what is installed besides the program: {@code Describe DIRECTORY VERSION TIME}. */
final class Describe {
  private Describe() {}

  /**
   * Writes into the directory as it is laid out below {@code share}: {@code man/man1}, {@code
   * bash-completion/completions} and {@code zsh/vendor-completions}.
   */
  public static void main(String[] args) throws IOException {
    Path share = Path.of(args[0]);
    CommandSpec program = Main.commandLine().getCommandSpec();
    ManualPage pages = new ManualPage(args[1], args[2].substring(0, "yyyy-mm-dd".length()));
    writePage(share, program, pages);
    for (String name : program.subcommands().keySet()) {
      writePage(share, program.subcommands().get(name).getCommandSpec(), pages);
    }
    write(share.resolve("bash-completion/completions/layerstore"), BashCompletion.of(program));
    write(share.resolve("zsh/vendor-completions/_layerstore"), ZshCompletion.of(program));
  }

  private static void writePage(Path share, CommandSpec command, ManualPage pages)
      throws IOException {
    Path file = share.resolve("man/man1").resolve(ManualPage.name(command) + ".1.gz");
    Files.createDirectories(file.getParent());
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(pages.of(command).getBytes(UTF_8));
    }
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
