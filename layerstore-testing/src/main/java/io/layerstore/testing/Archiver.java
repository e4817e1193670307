package io.layerstore.testing;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * One way in which a real tool writes an archive.
 *
 * @param name what it is called in test reports
 * @param program the tool
 * @param script what the shell runs in the source tree; {@code $out} is the archive, {@code "$@"}
 *     the parts of the tree
 * @param parts the parts of the {@link SourceTree} that the format can express
 */
public record Archiver(String name, String program, String script, List<String> parts) {

  private static final List<String> PLAIN = List.of(SourceTree.PLAIN);
  private static final List<String> USTAR = List.of(SourceTree.PLAIN, SourceTree.LONG);
  private static final List<String> ALL =
      List.of(SourceTree.PLAIN, SourceTree.LONG, SourceTree.SPECIAL);

  /** Every tool and format. */
  public static Stream<Archiver> all() {
    List<Archiver> all = new ArrayList<>();
    all.addAll(gnuTar());
    all.addAll(bsdtar());
    all.addAll(python());
    all.addAll(others());
    return all.stream();
  }

  /** Those whose archives Docker registers and exports: all but the sparse ones. */
  public static Stream<Archiver> withoutSparseFiles() {
    return all().filter(archiver -> !archiver.name().contains("sparse"));
  }

  private static List<Archiver> gnuTar() {
    return List.of(
        gnuTar("v7", "--format=v7", PLAIN),
        gnuTar("oldgnu", "--format=oldgnu", ALL),
        gnuTar("gnu", "--format=gnu", ALL),
        gnuTar("ustar", "--format=ustar", USTAR),
        gnuTar("posix", "--format=posix", ALL),
        gnuTar("posix, all attributes", "--format=posix --xattrs --xattrs-include='*'", ALL),
        gnuTar(
            "posix, global header",
            "--format=posix --pax-option=globexthdr.name=global,comment=everywhere",
            ALL),
        gnuTar("posix, without extra times", "--format=posix --pax-option=delete=atime", ALL),
        gnuTar("posix, incremental", "--format=posix --listed-incremental=\"$out.snapshot\"", ALL),
        gnuTar("oldgnu, sparse", "--format=oldgnu --sparse", ALL),
        gnuTar("gnu, sparse", "--format=gnu --sparse", ALL),
        gnuTar("posix, sparse 1.0", "--format=posix --sparse --sparse-version=1.0", ALL),
        gnuTar("posix, sparse 0.1", "--format=posix --sparse --sparse-version=0.1", ALL),
        gnuTar("posix, sparse 0.0", "--format=posix --sparse --sparse-version=0.0", ALL),
        gnuTar("one block a record", "--blocking-factor=1", ALL),
        gnuTar("large records", "--blocking-factor=200", ALL),
        gnuTar("absolute names", "--absolute-names --transform='s,^,/,S'", ALL),
        gnuTar("names after ./", "--transform='s,^,./,S'", ALL),
        gnuTar("without owner names", "--numeric-owner --sort=name --mtime=@1600000000", ALL));
  }

  private static Archiver gnuTar(String variant, String options, List<String> parts) {
    return new Archiver(
        "GNU tar, " + variant, "tar", "tar " + options + " -cf \"$out\" -- \"$@\"", parts);
  }

  private static List<Archiver> bsdtar() {
    return List.of(
        bsdtar("v7", "--format=v7", PLAIN),
        bsdtar("ustar", "--format=ustar", USTAR),
        bsdtar("gnutar", "--format=gnutar", ALL),
        bsdtar("pax, sparse", "--format=pax", ALL),
        bsdtar("pax", "--format=pax --no-read-sparse", ALL),
        bsdtar("restricted pax", "--format=paxr --no-read-sparse", ALL));
  }

  private static Archiver bsdtar(String variant, String options, List<String> parts) {
    return new Archiver(
        "bsdtar, " + variant, "bsdtar", "bsdtar " + options + " -cf \"$out\" -- \"$@\"", parts);
  }

  private static List<Archiver> python() {
    return List.of(
        python("USTAR_FORMAT", USTAR), python("GNU_FORMAT", ALL), python("PAX_FORMAT", ALL));
  }

  private static Archiver python(String format, List<String> parts) {
    String program =
        """
        import sys, tarfile
        with tarfile.open(sys.argv[1], "w", format=tarfile.%s) as tar:
            for part in sys.argv[2:]:
                tar.add(part)
        """
            .formatted(format);
    return new Archiver(
        "Python, " + format, "python3", "python3 -c '" + program + "' \"$out\" \"$@\"", parts);
  }

  private static List<Archiver> others() {
    return List.of(
        new Archiver("busybox tar", "busybox", "busybox tar -cf \"$out\" \"$@\"", ALL),
        new Archiver(
            "cpio, ustar",
            "cpio",
            "find \"$@\" -print0 | cpio --quiet --null --create --format=ustar > \"$out\"",
            USTAR),
        new Archiver(
            "git archive",
            "git",
            """
            export GIT_DIR="$out.git" GIT_WORK_TREE="$PWD"
            git init --quiet && git add -- "$@"
            git -c user.name=n -c user.email=e commit --quiet --message=tree
            git archive --format=tar --output="$out" HEAD
            """,
            ALL));
  }

  /** Writes the archive of the tree in {@code source}; skips the test if the tool is missing. */
  public void archive(Path source, Path archive) throws IOException, InterruptedException {
    Tool.require(program);
    Object[] arguments =
        Stream.concat(Stream.of("-o", "pipefail", "-euc", script, "bash"), parts.stream())
            .toArray();
    Tool.require("bash").in(source).with("out", archive.toString()).run(arguments);
  }

  @Override
  public String toString() {
    return name;
  }
}
