package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import io.layerstore.IdMapping;
import io.layerstore.LayerPath;
import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.TreeEntry;
import io.layerstore.testing.RecordingWriteContext;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The helper makes files later than it is told to, and two at a time. Nothing that can be seen
 * depends on it: not what is there in the end, nor what it says meanwhile, nor which failure is the
 * first.
 */
final class ApplyOrderTest {

  private static final int ARCHIVES = 30;
  private static final int MAX_ENTRIES = 250;
  private static final Instant LATEST = Instant.ofEpochSecond(1_000_000);
  private static final List<String> DIRECTORIES = List.of("", "a/", "b/", "a/c/", "b/c/d/");
  private static final List<String> NAMES = List.of("x", "y", "z1", "z2", "z3", "z4");
  private static final List<String> STRANGE_NAMES = List.of("x", "y", "z1", "a", "c", "l");
  private static final List<String> TEXTS = List.of("a", "c", "/a/c", "../b", "x", "l");

  @TempDir Path home;

  @Test
  void write_namesThatComeAgain_isAsIfOneByOne() throws IOException {
    int whole = 0;
    try (LinuxCalls oneByOne = calls(Protocol.START_ONE_BY_ONE);
        LinuxCalls asUsual = calls(0)) {
      for (int seed = 0; seed < ARCHIVES; seed++) {
        List<String> expected = written(oneByOne, "one-" + seed, seed);
        List<String> actual = written(asUsual, "two-" + seed, seed);

        assertEquals(String.join("\n", expected), String.join("\n", actual), "seed " + seed);
        whole += expected.size() > 1 ? 1 : 0;
      }
    }
    assertTrue(whole > ARCHIVES / 5, "most archives fail, only " + whole + " do not");
    assertTrue(whole < ARCHIVES, "no archive fails");
  }

  private static LinuxCalls calls(int flags) throws IOException {
    return new NativeLinuxCalls(Helpers.binary(), Helpers.namespace(), flags);
  }

  /** What comes of it: what the helper said, and the tree or the failure. */
  private List<String> written(LinuxCalls calls, String id, int seed) throws IOException {
    Random random = new Random(seed);
    int entries = random.nextInt(MAX_ENTRIES);
    int strangeness = random.nextInt(8);
    Helpers.makeLayer(home, id, Helpers.link(id.hashCode() & 0xffff), false);
    RecordingWriteContext context = new RecordingWriteContext();
    List<String> found = new ArrayList<>();
    WriteSettings settings = new WriteSettings(IdMapping.IDENTITY, !Helpers.isRoot(), false, 0);
    try (DiffWriter writer = calls.openWriter(home, id, settings, context)) {
      for (int i = 0; i < entries; i++) {
        writeOne(writer, random, i, strangeness);
      }
      long sizeBytes = writer.finish(0);
      found.addAll(tree(calls, id));
      found.add("size " + sizeBytes);
    } catch (IOException e) {
      return List.of(e.toString().replace(id, "LAYER"));
    }
    for (RecordingWriteContext.Destroyed destroyed : context.destroyed()) {
      found.add("destroyed " + destroyed.path() + " " + destroyed.content().hashCode());
    }
    found.add(context.redirected().toString());
    found.add(context.throughLinks().toString());
    found.add(context.warnings().toString());
    return found;
  }

  private static void writeOne(DiffWriter writer, Random random, int number, int strangeness)
      throws IOException {
    boolean isStrange = random.nextInt(100) < 2 * strangeness;
    String name =
        random.nextInt(3) > 0
            ? "f" + random.nextInt(100)
            : pick(isStrange ? STRANGE_NAMES : NAMES, random);
    LayerPath path = LayerPath.of(pick(DIRECTORIES, random) + name);
    Attributes attributes =
        Attributes.of(random.nextInt(0777) | 0600, LATEST.minusSeconds(number + 1L));
    if (!isStrange) {
      write(
          writer,
          path,
          attributes,
          random.nextInt(50) == 0 ? 300_000 : random.nextInt(3000),
          number);
      return;
    }
    switch (random.nextInt(10)) {
      case 0, 1, 2 -> writer.write(TreeEntry.directory(path, attributes), null);
      case 3 ->
          writer.write(
              TreeEntry.symlink(path, attributes, ByteString.utf8(pick(TEXTS, random))), null);
      case 4 ->
          writer.write(
              TreeEntry.hardLink(
                  path, attributes, LayerPath.of(pick(DIRECTORIES, random) + pick(NAMES, random))),
              null);
      case 5 -> writer.write(TreeEntry.whiteout(path, attributes), null);
      case 6 -> writer.removeOld(path);
      default -> write(writer, path, attributes, 0, number);
    }
  }

  private static void write(
      DiffWriter writer, LayerPath path, Attributes attributes, int bytes, int number)
      throws IOException {
    byte[] content = new byte[bytes];
    new Random(number).nextBytes(content);
    writer.write(
        TreeEntry.file(path, attributes, bytes),
        FileContent.dense(new ByteArrayInputStream(content), bytes));
  }

  private static String pick(List<String> of, Random random) {
    return of.get(random.nextInt(of.size()));
  }

  /** Everything in the layer; not the times of directories that no entry made. */
  private List<String> tree(LinuxCalls calls, String id) throws IOException {
    List<String> lines = new ArrayList<>();
    try (TreeScan scan = calls.openDiff(home, id);
        NodeReader nodes = scan.scan(LayerPath.ROOT, true, TreeScan.XattrChoice.ALL)) {
      for (TreeNode node = nodes.next(); node != null; node = nodes.next()) {
        int content = node.hasContent() ? Arrays.hashCode(nodes.content().readAllBytes()) : 0;
        boolean isOfEntry = !node.modified().isAfter(LATEST);
        lines.add(
            String.join(
                " ",
                node.path().toString(),
                node.type().toString(),
                Integer.toOctalString(node.mode()),
                node.links() + " links",
                node.sizeBytes() + " bytes",
                isOfEntry || node.type() == EntryType.FILE ? node.modified().toString() : "now",
                String.valueOf(node.linkText()),
                node.isOpaque() ? "opaque" : "",
                Integer.toHexString(content)));
      }
    }
    return lines;
  }
}
