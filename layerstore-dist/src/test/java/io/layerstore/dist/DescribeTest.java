package io.layerstore.dist;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.cli.Main;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** What is written about the command line as it is now; nothing of it may be left out. */
final class DescribeTest {
  @TempDir Path share;
  private final CommandLine program = Main.commandLine();
  private final Collection<CommandLine> commands = program.getSubcommands().values();

  @BeforeEach
  void describe() throws IOException {
    Describe.main(new String[] {share.toString(), "1.2", "2026-11-01T00:00:00Z"});
  }

  private String page(CommandSpec command) throws IOException {
    Path file = share.resolve("man/man1/" + ManualPage.name(command) + ".1.gz");
    try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
      return new String(in.readAllBytes(), UTF_8);
    }
  }

  @Test
  void pages_ofEachCommand_haveItsOptions() throws IOException {
    for (CommandLine command : commands) {
      String page = page(command.getCommandSpec());
      for (OptionSpec option : command.getCommandSpec().options()) {
        String names = ManualPage.text(String.join(", ", option.names()));
        assertTrue(page.contains("\\fB" + names + "\\fR"), command.getCommandName() + names);
      }
    }
  }

  @Test
  void page_ofTheProgram_namesEachCommand() throws IOException {
    String page = page(program.getCommandSpec());
    for (CommandLine command : commands) {
      assertTrue(page.contains("\n\\fB" + command.getCommandName() + "\\fR\n"), page);
    }
  }

  @Test
  void page_titleLine_hasVersionAndDate() throws IOException {
    assertEquals(
        ".TH LAYERSTORE 1 2026\\-11\\-01 \"layerstore 1.2\"",
        page(program.getCommandSpec()).lines().findFirst().orElseThrow());
  }

  @Test
  void text_whatRoffWouldTakeForItsOwn_isEscaped() {
    assertEquals("\\&.TH a\\-b\n\\&\\(aqx\\(aq \\en", ManualPage.text(".TH a-b\n'x' \\n"));
  }

  @Test
  void completion_ofBothShells_hasEachCommandAndOption() throws IOException {
    for (String file :
        new String[] {
          "bash-completion/completions/layerstore", "zsh/vendor-completions/_layerstore"
        }) {
      String script = Files.readString(share.resolve(file));
      for (CommandLine command : commands) {
        String name = command.getCommandName();
        String line =
            script.lines().filter(l -> l.strip().startsWith(name + ") ")).findFirst().orElseThrow();
        for (OptionSpec option : command.getCommandSpec().options()) {
          assertTrue(
              line.contains(option.longestName()), file + ": " + name + option.longestName());
        }
      }
    }
  }

  @Test
  void describe_again_givesTheSameBytes(@TempDir Path other) throws IOException {
    Describe.main(new String[] {other.toString(), "1.2", "2026-11-01T00:00:00Z"});

    Path page = Path.of("man/man1/layerstore-load.1.gz");
    assertEquals(-1, Files.mismatch(share.resolve(page), other.resolve(page)));
  }
}
