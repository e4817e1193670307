package io.layerstore.driver.rooted;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import io.layerstore.testing.RecordingWriteContext;
import io.layerstore.testing.Tool;
import io.layerstore.vfs.VfsTesting;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** In a locale that has ASCII only, names are still bytes. */
class ByteNamesInCLocaleTest {

  @TempDir Path directory;

  @Test
  void layer_namesInAnyBytesUnderLangC_areKept() throws Exception {
    Tool java =
        Tool.at(Path.of(System.getProperty("java.home"), "bin", "java"))
            .with("LC_ALL", "C")
            .with("LANG", "C");
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    List<String> found =
        java.run("-cp", classPath, Main.class.getName(), directory).lines().stream()
            .filter(line -> line.startsWith("name "))
            .toList();
    List<String> expected =
        ByteNamesTest.names()
            .sorted()
            .flatMap(name -> Stream.of("name " + hex(name), "name " + hex(linkText(name))))
            .toList();
    assertEquals(expected, found);
  }

  private static String hex(ByteString bytes) {
    return HexFormat.of().formatHex(bytes.toByteArray());
  }

  private static ByteString linkText(ByteString name) {
    return ByteString.utf8("../").concat(name);
  }

  /** Makes a file and a link for each name, copies the layer, and prints what the copy has. */
  static final class Main {

    private Main() {}

    public static void main(String[] arguments) throws IOException {
      if (StandardCharsets.UTF_8.name().equals(System.getProperty("sun.jnu.encoding"))) {
        throw new IllegalStateException("not in the C locale");
      }
      try (GraphDriver driver = VfsTesting.open(Path.of(arguments[0]))) {
        driver.create("a", null, CreateOptions.DEFAULT);
        write(driver);
        driver.create("b", "a", CreateOptions.DEFAULT);
        print(driver);
        driver.remove("a");
        driver.remove("b");
      }
    }

    private static void write(GraphDriver driver) throws IOException {
      Attributes attributes = Attributes.of(0644, Instant.EPOCH);
      LayerPath files = LayerPath.of("files");
      LayerPath links = LayerPath.of("links");
      try (TreeWriter writer = driver.openWriter("a", null, new RecordingWriteContext())) {
        for (ByteString name : ByteNamesTest.names().toList()) {
          writer.write(
              TreeEntry.file(files.resolve(name), attributes, 0),
              FileContent.dense(InputStream.nullInputStream(), 0));
          writer.write(TreeEntry.symlink(links.resolve(name), attributes, linkText(name)), null);
        }
        writer.finish(0);
      }
    }

    private static void print(GraphDriver driver) throws IOException {
      try (LayerTree tree = driver.tree("b")) {
        for (LayerTree.Node node : tree.list(LayerPath.of("files"))) {
          ByteString name = node.entry().path().name();
          System.out.println("name " + hex(name));
          LayerTree.Node link = tree.find(LayerPath.of("links").resolve(name)).orElseThrow();
          ByteString text = link.entry().linkText();
          System.out.println("name " + (text == null ? "" : hex(text)));
        }
      }
    }
  }
}
