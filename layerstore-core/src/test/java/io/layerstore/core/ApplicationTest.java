package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.LayerStore;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.Tool;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An application of somebody else's, compiled against the API alone and run in a process of its
 * own, once as a module and once from the class path: it finds the store and the driver, and gets
 * back what it puts in.
 */
final class ApplicationTest {

  private static final String MODULE = "module example { requires io.layerstore.api; }";

  private static final String MAIN =
      """
      package example;

      import io.layerstore.Layer;
      import io.layerstore.LayerStore;
      import io.layerstore.RegisterOptions;
      import java.io.InputStream;
      import java.nio.file.Files;
      import java.nio.file.Path;

      public final class Main {
        public static void main(String[] arguments) throws Exception {
          try (LayerStore store = LayerStore.open(Path.of(arguments[0]));
              InputStream source = Files.newInputStream(Path.of(arguments[1]));
              Layer layer = store.register(source, RegisterOptions.DEFAULT);
              InputStream exported = layer.tarStream()) {
            Files.copy(exported, Path.of(arguments[2]));
            System.out.println(
                store.driverName()
                    + " "
                    + Main.class.getModule().isNamed()
                    + " "
                    + store.getClass().getModule().isNamed());
          }
        }
      }
      """;

  /** One class of each jar that the library needs at run time. */
  private static final List<String> NEEDED =
      List.of(
          "com.fasterxml.jackson.core.JsonFactory",
          "com.google.common.base.Splitter",
          "com.google.common.util.concurrent.internal.InternalFutureFailureAccess",
          "org.apache.commons.codec.Charsets",
          "org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream",
          "org.apache.commons.io.IOUtils",
          "org.apache.commons.lang3.ArrayUtils",
          "org.slf4j.Logger",
          LayerStore.class.getName(),
          DefaultLayerStoreProvider.class.getName());

  @TempDir private Path directory;
  private Path archive;
  private Path exported;
  private Path classes;

  @BeforeEach
  void makeArchive() throws IOException {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (OutputStream out = new BZip2CompressorOutputStream(compressed)) {
      out.write(AppendixA.TWO_BASE.bytes());
    }
    archive = Files.write(directory.resolve("layer.tar.bz2"), compressed.toByteArray());
    exported = directory.resolve("exported");
    classes = directory.resolve("classes");
  }

  private static Path place(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String libraries() {
    return NEEDED.stream()
        .map(
            name -> {
              try {
                return place(Class.forName(name)).toString();
              } catch (ClassNotFoundException e) {
                throw new AssertionError(e);
              }
            })
        .distinct()
        .collect(Collectors.joining(File.pathSeparator));
  }

  private void compile(String option, Path... sources) {
    StringWriter messages = new StringWriter();
    PrintWriter out = new PrintWriter(messages);
    String[] arguments = new String[4 + sources.length];
    arguments[0] = option;
    // The annotations are for compilers alone; they are not there when it runs.
    arguments[1] = place(LayerStore.class) + File.pathSeparator + place(Nullable.class);
    arguments[2] = "-d";
    arguments[3] = classes.toString();
    for (int i = 0; i < sources.length; i++) {
      arguments[4 + i] = sources[i].toString();
    }
    int status = ToolProvider.findFirst("javac").orElseThrow().run(out, out, arguments);
    assertEquals(0, status, messages.toString());
  }

  private Path source(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text);
  }

  private String run(String... options) throws IOException, InterruptedException {
    Object[] command = new Object[options.length + 3];
    System.arraycopy(options, 0, command, 0, options.length);
    command[options.length] = directory.resolve("store");
    command[options.length + 1] = archive;
    command[options.length + 2] = exported;
    return Tool.at(Path.of(System.getProperty("java.home"), "bin", "java")).run(command).text();
  }

  @Test
  void modulePath_applicationThatRequiresTheApi_registersAndExports() throws Exception {
    compile("--module-path", source("module-info.java", MODULE), source("Main.java", MAIN));
    String said =
        run(
            "--module-path",
            libraries() + File.pathSeparator + classes,
            "-m",
            "example/example.Main");
    assertEquals("vfs true true", said);
    assertArrayEquals(AppendixA.TWO_BASE.bytes(), Files.readAllBytes(exported));
  }

  @Test
  void classPath_sameApplication_registersAndExports() throws Exception {
    compile("-classpath", source("Main.java", MAIN));
    String said = run("-classpath", libraries() + File.pathSeparator + classes, "example.Main");
    assertEquals("vfs false false", said);
    assertArrayEquals(AppendixA.TWO_BASE.bytes(), Files.readAllBytes(exported));
  }
}
