package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.LayerStoreException;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the kernel is told when a layer is mounted, as strace sees it: the options of {@code
 * graphdriver/overlay2} of moby in its order, then those that keep the upper directory a complete
 * diff.
 *
 * <p>The source, which means nothing to overlay, tells whose mount it is: {@code layerstore} for
 * one that a later store may undo, and Docker's {@code overlay} for one that is to stay.
 */
final class MountOptionsTest {

  private static final String A = Helpers.link(1);
  private static final String B = Helpers.link(2);
  private static final String KEEP_COMPLETE = ",redirect_dir=nofollow,metacopy=off";
  private static final String LABEL = "system_u:object_r:container_file_t:s0:c1,c2";

  private static final Pattern CLASSIC =
      Pattern.compile(
          "mount\\(\"layerstore\", \"([^\"]*)\", \"overlay\", (\\S+), \"(.*)\"\\) = .*");
  private static final Pattern NEW =
      Pattern.compile(
          "fsconfig\\(\\d+, FSCONFIG_SET_(STRING|FLAG), \"([^\"]+)\", (\"?.*?\"?), 0\\) .*");

  @TempDir Path directory;
  private Path home;
  private Path trace;
  private LinuxCalls calls;

  @BeforeEach
  void makeLayers() throws Exception {
    Helpers.assumeRoot();
    Tool strace = Tool.require("strace");
    assumeTrue(strace.attempt("-f", "true").status() == 0, "strace may not trace here");
    home = Files.createDirectory(directory.resolve("home"));
    Helpers.makeLayer(home, "a", A, false);
    Helpers.makeLayer(home, "b", B, false);
    Helpers.makeLayer(home, "top", Helpers.link(3), true);
    trace = directory.resolve("trace");
    Path program = directory.resolve("traced");
    Files.writeString(
        program,
        "#!/bin/sh\nexec '%s' -f -s 9999 -o '%s' -e trace=mount,fsconfig '%s' \"$@\"\n"
            .formatted(strace.program(), trace, Helpers.binary()));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    calls = new NativeLinuxCalls(program, UserNamespace.NONE);
  }

  private static MountSettings settings(boolean userXattrs, boolean hasIndex) {
    return new MountSettings(userXattrs, hasIndex, true, true, 0, 0);
  }

  private static OverlayMount readWrite() {
    return OverlayMount.readWrite("top", List.of(A, B));
  }

  private static OverlayMount readOnly() {
    return OverlayMount.readOnly("top", List.of(A, B));
  }

  /** What the kernel is told, whatever it makes of it. */
  private List<String> traceOf(OverlayMount mount, MountSettings settings) throws IOException {
    try (Mounts mounts = calls.openMounts(home, settings)) {
      mounts.mount(mount);
      mounts.unmount("top", false);
    } catch (LayerStoreException e) {
      assumeTrue(!mount.label().isEmpty() || settings.usesUserXattrs(), e.getMessage());
    }
    return Files.readAllLines(trace, StandardCharsets.ISO_8859_1);
  }

  /** The target, flags and options of the one {@code mount} call. */
  private List<String> classic(OverlayMount mount, MountSettings settings) throws IOException {
    List<List<String>> found = new ArrayList<>();
    for (String line : traceOf(mount.with(Mounts.Api.CLASSIC), settings)) {
      Matcher call = CLASSIC.matcher(line.replaceFirst("^\\d+ +", ""));
      if (call.matches()) {
        found.add(List.of(call.group(1), call.group(2), call.group(3).replace("\\\"", "\"")));
      }
    }
    assertEquals(1, found.size(), found::toString);
    return found.get(0);
  }

  private static List<String> call(String flags, String options) {
    return List.of("top/merged", flags, options);
  }

  @Test
  void mount_readWrite_hasUpperAndWork() throws IOException {
    assertEquals(
        call(
            "0",
            "index=off,lowerdir=l/%s:l/%s,upperdir=top/diff,workdir=top/work".formatted(A, B)
                + KEEP_COMPLETE),
        classic(readWrite(), settings(false, true)));
  }

  @Test
  void mount_readOnly_hasItsOwnDiffOnTopAndNoUpper() throws IOException {
    assertEquals(
        call("MS_NODEV", "index=off,lowerdir=top/diff:l/%s:l/%s".formatted(A, B) + KEEP_COMPLETE),
        classic(readOnly(), settings(false, true)));
  }

  @Test
  void mount_kernelWithoutTheParameterIndex_isNotToldOfIt() throws IOException {
    assertEquals(
        call(
            "0",
            "lowerdir=l/%s:l/%s,upperdir=top/diff,workdir=top/work".formatted(A, B)
                + KEEP_COMPLETE),
        classic(readWrite(), settings(false, false)));
  }

  @Test
  void mount_kernelWithoutRedirectAndMetacopy_hasTheOptionsOfDockerAlone() throws IOException {
    assertEquals(
        call(
            "0", "index=off,lowerdir=l/%s:l/%s,upperdir=top/diff,workdir=top/work".formatted(A, B)),
        classic(readWrite(), new MountSettings(false, true, false, false, 0, 0)));
  }

  @Test
  void mount_userAttributes_saysSoAfterIndex() throws IOException {
    assertEquals(
        call(
            "0",
            "index=off,userxattr,lowerdir=l/%s:l/%s,upperdir=top/diff,workdir=top/work"
                    .formatted(A, B)
                + KEEP_COMPLETE),
        classic(readWrite(), settings(true, true)));
  }

  @Test
  void mount_label_isTheLastAndQuoted() throws IOException {
    assertEquals(
        call(
            "0",
            "index=off,lowerdir=l/%s:l/%s,upperdir=top/diff,workdir=top/work".formatted(A, B)
                + KEEP_COMPLETE
                + ",context=\""
                + LABEL
                + "\""),
        classic(readWrite().withLabel(LABEL), settings(false, true)));
  }

  @Test
  void mount_126Lowers_fitsIntoOnePageWhateverTheRoot() throws IOException {
    List<String> links = new ArrayList<>(List.of(A, B));
    for (int i = 0; i < 124; i++) {
      Helpers.makeLayer(home, "more" + i, Helpers.link(100 + i), false);
      links.add(Helpers.link(100 + i));
    }
    String options = classic(OverlayMount.readWrite("top", links), settings(false, true)).get(2);
    assertTrue(options.contains("lowerdir=l/" + String.join(":l/", links) + ",upperdir="), options);
    assertTrue(options.length() < 4096, options);
  }

  @ParameterizedTest
  @EnumSource(
      value = Mounts.Api.class,
      names = {"NEW", "CLASSIC"})
  void mount_persistent_hasTheSourceOfDocker(Mounts.Api api) throws IOException {
    List<String> lines = traceOf(readWrite().persistent().with(api), settings(false, true));
    String told = api == Mounts.Api.NEW ? "\"source\", \"overlay\"" : "mount(\"overlay\", ";
    assertTrue(lines.stream().anyMatch(line -> line.contains(told)), lines::toString);
    assertFalse(lines.stream().anyMatch(line -> line.contains("\"layerstore\"")), lines::toString);
  }

  @Test
  void mount_newCalls_sayTheSameOneByOne() throws IOException {
    List<String> told = new ArrayList<>();
    for (String line : traceOf(readWrite().with(Mounts.Api.NEW), settings(false, true))) {
      Matcher call = NEW.matcher(line.replaceFirst("^\\d+ +", ""));
      if (call.matches()) {
        told.add(call.group(2) + "=" + call.group(3).replace("\"", ""));
      }
    }
    assertEquals(
        List.of(
            "source=layerstore",
            "index=off",
            "redirect_dir=nofollow",
            "metacopy=off",
            "lowerdir+=l/" + A,
            "lowerdir+=l/" + B,
            "upperdir=top/diff",
            "workdir=top/work"),
        told);
  }
}
