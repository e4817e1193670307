package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which commands make a store, and which leave a directory as it is. */
final class NewStoreTest {
  private static final byte[] LAYER = new TarBuilder().file("a", "1").end().toBytes();

  @TempDir private Path temp;
  private Path root;

  @BeforeEach
  void nameRoot() {
    root = temp.resolve("above/root");
  }

  private Cli.Result run(String command) {
    return run(new byte[0], command);
  }

  private Cli.Result run(byte[] in, String command) {
    return Cli.runPlain(in, ("--root " + root + " " + command).split(" "));
  }

  private List<String> namesIn(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "info",
        "images",
        "layers",
        "rwlayers",
        "df",
        "history x",
        "inspect x",
        "save -o /dev/null x",
        "export x",
        "diff box",
        "tag x y",
        "rmi x",
        "prune",
        "prune --dry-run",
        "mount box",
        "run box -- true",
        "unmount box",
        "commit box",
        "rm box",
        "release x",
        "load nosuch.tar",
        "load -",
        "import nosuch.tar",
        "register nosuch.tar",
        "register --parent 0000 -",
        "create --parent x box",
        "create no/name",
      })
  void command_thatLooksOrFails_makesNoStore(String command) throws IOException {
    assertNotEquals(0, run(command).status());
    assertFalse(Files.exists(root.getParent()));
    Files.createDirectories(root);
    run(command);
    assertEquals(List.of(), namesIn(root));
  }

  @ParameterizedTest
  @ValueSource(strings = {"register -", "import -", "create box"})
  void command_thatAdds_makesAStore(String command) {
    assertEquals(0, run(LAYER, command).status());
    run("info").succeeded();
  }

  @Test
  void look_noStore_saysWhichCommandsMakeOne() {
    String line = run("images").failed(1);
    assertTrue(line.contains("no store at " + root), line);
    assertTrue(line.contains("'load'") && line.contains("--init"), line);
  }

  @Test
  void add_besideOtherFiles_refusedAndLeavesThemAlone() throws IOException {
    Files.createDirectories(root);
    Files.writeString(root.resolve("mine"), "x");
    String line = run(LAYER, "register -").failed(1);
    assertTrue(line.contains("other files: mine") && line.contains("--init"), line);
    assertEquals(List.of("mine"), namesIn(root));
  }

  @Test
  void init_besideOtherFiles_makesAStore() throws IOException {
    Files.createDirectories(root);
    Files.writeString(root.resolve("mine"), "x");
    run(LAYER, "--init register -").succeeded();
    run("info").succeeded();
    assertTrue(Files.exists(root.resolve("mine")));
  }

  @Test
  void init_withACommandThatLooks_makesAStoreThatStays() {
    run("--init info").succeeded();
    run("info").succeeded();
  }

  @Test
  void driver_ofAnotherStoreThanThereIs_saysWhatItDoesNotShow() {
    run(LAYER, "--driver vfs register -").succeeded();
    Cli.Result second = run("--driver overlay2 create box");
    assertTrue(second.err().contains("of vfs: it has a store under the root too"), second.err());
  }
}
