package io.layerstore.core.tar;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.LayerPath;
import io.layerstore.Limits;
import io.layerstore.driver.PathSet;
import io.layerstore.testing.RecordingWriteContext;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is said of archives that Docker refuses. */
final class DockerRefusalsTest {

  private final TarBuilder tar = new TarBuilder();

  @Test
  void look_archiveThatDockerTakes_saysNothing() throws IOException {
    tar.directory("./").directory("d/").file("d/a", "x").file("d/.wh.b", "").hardLink("l", "d/a");
    assertEquals(List.of(), warnings());
  }

  @Test
  void look_nameTwice_warns() throws IOException {
    tar.file("a", "x").file("./a", "y");
    assertEquals(
        List.of("a: docker load refuses the layer: the archive has this name before"), warnings());
  }

  @Test
  void look_directoryTwice_warns() throws IOException {
    tar.directory("d/").directory("d");
    assertEquals(1, warnings().size());
  }

  @Test
  void look_globalHeaderTwice_warns() throws IOException {
    tar.paxGlobal("g", "comment", "1").paxGlobal("g", "comment", "2").file("a", "x");
    assertEquals(1, warnings().size());
  }

  /** Two names to Docker. */
  @Test
  void look_nameOnceAbsolute_saysNothing() throws IOException {
    tar.directory("/").directory("./").file("a", "x").file("/a", "x");
    assertEquals(List.of(), warnings());
  }

  @Test
  void look_sparseFileOfGnuTar_warns() throws IOException {
    tar.header(TarHeaderBlock.named("sp").type('S').gnu().number(483, 12, 10));
    assertEquals(
        List.of("sp: docker load refuses the layer: it is a sparse file of GNU tar, type S"),
        warnings());
  }

  @Test
  void look_whiteoutOfWhatTheArchiveHas_warns() throws IOException {
    tar.file("a", "x").file(".wh.a", "");
    assertEquals(1, warnings().size());
  }

  /** So some builders delete a directory with all that was in it. */
  @Test
  void look_whiteoutBelowAWhiteout_warns() throws IOException {
    tar.file(".wh.d", "").file("d/.wh.a", "");
    assertEquals(
        List.of("d/a: docker load refuses the layer where it uses overlay2: below what it deletes"),
        warnings());
  }

  @Test
  void look_fileFarBelowAWhiteout_warns() throws IOException {
    tar.file(".wh.d", "").file("d/a/b", "x");
    assertEquals(1, warnings().size());
  }

  @Test
  void look_directoryMadeAfterItsWhiteout_saysNothing() throws IOException {
    tar.file(".wh.d", "").directory("d/").file("d/x", "x").file("d/.wh..wh..opq", "");
    assertEquals(List.of(), warnings());
  }

  @Test
  void look_opaqueDirectoryBelowAWhiteout_saysNothing() throws IOException {
    tar.file(".wh.d", "").file("d/.wh..wh..opq", "");
    assertEquals(List.of(), warnings());
  }

  @Test
  void look_besideAWhiteout_saysNothing() throws IOException {
    tar.file(".wh.d", "").file("dd/x", "x").file("d2", "");
    assertEquals(List.of(), warnings());
  }

  private List<String> warnings() throws IOException {
    RecordingWriteContext context = new RecordingWriteContext();
    DockerRefusals refusals = new DockerRefusals(context);
    EntryMapper mapper = new EntryMapper(Limits.DEFAULT, false);
    TarReader reader = new TarReader(tar.end().toStream(), Limits.DEFAULT, TarReader.RawBytes.NONE);
    PathSet seen = new PathSet();
    for (TarHeader header = reader.next(); header != null; header = reader.next()) {
      reader.skipPayload();
      if (header.isGlobalHeader()) {
        LayerPath name = LayerPath.of(header.name());
        refusals.lookAtName(header, name, seen.add(name));
        continue;
      }
      MappedEntry mapped = mapper.map(header);
      refusals.look(header, mapped, seen.add(mapped.path()));
      context.wrote(mapped.path());
    }
    return context.warnings().stream()
        .map(warning -> warning.path() + ": " + warning.reason())
        .toList();
  }
}
