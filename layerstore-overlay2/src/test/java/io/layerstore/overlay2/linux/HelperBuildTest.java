package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How the helper is built, on machines with and without compilers, and for which processors. */
final class HelperBuildTest {

  @TempDir Path directory;

  /** The script that the build runs, where the tests run beside the sources. */
  private static Path script() {
    Path script = Path.of("src/main/c/build.sh").toAbsolutePath();
    assumeTrue(Files.exists(script), "the sources of the helper are not in " + script);
    return script;
  }

  /** A directory with the tools that the script needs, and no compiler. */
  private Path toolsWithoutCompiler() throws IOException {
    Path tools = Files.createDirectory(directory.resolve("tools"));
    for (String name :
        new String[] {"uname", "dirname", "mktemp", "rm", "cat", "cksum", "head", "mkdir"}) {
      script(tools.resolve(name), "exec '" + Tool.require(name).program() + "' \"$@\"");
    }
    return tools;
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, "#!/bin/sh\n" + text + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Tool.Result build(Path path) throws Exception {
    return Tool.require("sh")
        .with("PATH", path.toString())
        .with("CC", "")
        .run(script(), directory.resolve("out"), directory.resolve("stamps"), "1.2.3");
  }

  @Nested
  class Build {

    @Test
    void build_noCompiler_succeedsAndSaysWhatToInstall() throws Exception {
      Tool.Result result = build(toolsWithoutCompiler());
      assertTrue(result.out().contains("no C compiler (install cc, gcc or clang)"), result.out());
      assertTrue(result.out().contains("overlay2 driver will not be available"), result.out());
      assertFalse(Files.exists(directory.resolve("out")));
    }

    @Test
    void build_compilerWithoutStaticLibrary_succeedsAndSaysWhatToInstall() throws Exception {
      Path tools = toolsWithoutCompiler();
      script(tools.resolve("cc"), "exit 1");
      Tool.Result result = build(tools);
      assertTrue(result.out().contains("finds no static C library"), result.out());
      assertTrue(result.out().contains("libc6-dev"), result.out());
      assertFalse(Files.exists(directory.resolve("out")));
    }
  }

  /** ELF: the machine in the header, and whether a program interpreter is asked for. */
  @ParameterizedTest
  @CsvSource({"amd64,62", "aarch64,183"})
  void packaged_everyArchitecture_isAStaticProgramForIt(String arch, int machine)
      throws IOException {
    ByteBuffer elf = ByteBuffer.wrap(packaged(arch)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(0x464c457f, elf.getInt(0), "ELF");
    assertEquals(machine, elf.getShort(18));
    long headers = elf.getLong(32);
    int size = elf.getShort(54);
    for (int i = 0; i < elf.getShort(56); i++) {
      assertTrue(elf.getInt((int) headers + i * size) != 3, "asks for a dynamic linker");
    }
  }

  @ParameterizedTest
  @CsvSource({"amd64,qemu-x86_64-static", "aarch64,qemu-aarch64-static"})
  void selftest_onAnotherProcessor_passes(String arch, String emulator) throws Exception {
    assumeTrue(!System.getProperty("os.arch").equals(arch), "tested without an emulator");
    byte[] bytes = packaged(arch);
    Tool qemu = Tool.require(emulator);
    Path program = Files.write(directory.resolve("helper"), bytes);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    assertTrue(
        qemu.run(program, "--version").text().endsWith(" protocol " + Protocol.PROTOCOL_VERSION));
    Tool.Result result = qemu.run(program, "--selftest");
    assertTrue(result.text().endsWith("passed"), result.out());
    assertFalse(result.out().contains("FAILED"), result.out());
  }

  private static byte[] packaged(String arch) throws IOException {
    try (InputStream in =
        HelperBinary.class.getResourceAsStream(HelperBinary.resourceName("Linux", arch))) {
      assumeTrue(in != null, "this machine has no compiler for " + arch);
      return in.readAllBytes();
    }
  }
}
