package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Progress;
import io.layerstore.Progress.LayerProgress;
import io.layerstore.Progress.Phase;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** The lines of layers, as a terminal shows them. */
final class LayerLinesTest {

  private static final Progress.Operation PULL = new Progress.Operation(1, Progress.Kind.PULL);
  private static final DiffId BASE = new DiffId(Digest.sha256Of(new byte[] {1}));
  private static final DiffId TOP = new DiffId(Digest.sha256Of(new byte[] {2}));

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private ProgressBar bar(boolean isTerminal, int columns, int rows) {
    return new ProgressBar(
        new Console(
            InputStream.nullInputStream(), OutputStream.nullOutputStream(), err, false, isTerminal),
        () -> new TerminalSize(columns, rows));
  }

  private static Progress layer(Phase phase, DiffId diffId, long bytes) {
    return new Progress(
        PULL,
        phase,
        Optional.of("some/image:1"),
        Optional.of(new LayerProgress(Optional.of(diffId), bytes, OptionalLong.of(2000))),
        bytes,
        0,
        OptionalLong.of(4000),
        Optional.empty());
  }

  private static Progress all(Phase phase) {
    return new Progress(
        PULL,
        phase,
        Optional.empty(),
        Optional.empty(),
        4000,
        0,
        OptionalLong.of(4000),
        Optional.empty());
  }

  private static String id(DiffId diffId) {
    return diffId.digest().hex().substring(0, 12);
  }

  /** What can be read on the screen: as much of terminals as the lines need. */
  private List<String> screen() {
    List<StringBuilder> lines = new ArrayList<>(List.of(new StringBuilder()));
    int row = 0;
    int column = 0;
    String text = err.toString(StandardCharsets.UTF_8);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\r') {
        column = 0;
      } else if (c == '\n') {
        column = 0;
        row++;
        if (row == lines.size()) {
          lines.add(new StringBuilder());
        }
      } else if (c == '\u001b') {
        int end = i + 2;
        while (Character.isDigit(text.charAt(end))) {
          end++;
        }
        if (text.charAt(end) == 'K') {
          lines.get(row).setLength(Math.min(column, lines.get(row).length()));
        } else {
          assertEquals('A', text.charAt(end));
          row -= Integer.parseInt(text.substring(i + 2, end));
        }
        i = end;
      } else {
        StringBuilder line = lines.get(row);
        assertEquals(column, line.length(), "what is written over was cleared before");
        line.append(c);
        column++;
      }
    }
    return lines.stream().map(StringBuilder::toString).toList();
  }

  @Test
  void listener_severalLayers_haveALineEach() {
    Progress.Listener listener = bar(true, 60, 24).listener();
    listener.onProgress(layer(Phase.FETCHING, BASE, 0));
    listener.onProgress(layer(Phase.FETCHING, TOP, 0));
    listener.onProgress(layer(Phase.FETCHING, BASE, 500));
    listener.onProgress(layer(Phase.UNPACKING, BASE, 300));
    listener.onProgress(layer(Phase.FETCHING, TOP, 1000));
    assertEquals(
        List.of(
            id(BASE) + ": fetching [#####................] 500 B/2.0 kB",
            id(TOP) + ": fetching [##########..........] 1.0 kB/2.0 kB",
            ""),
        screen());
  }

  @Test
  void listener_layersInAllSteps_areWrittenInPlace() {
    Progress.Listener listener = bar(true, 60, 24).listener();
    listener.onProgress(layer(Phase.FETCHING, BASE, 0));
    listener.onProgress(layer(Phase.FETCHING, TOP, 0));
    listener.onProgress(layer(Phase.FETCHING, BASE, 2000));
    assertEquals(List.of(id(BASE) + ": fetched", id(TOP) + ": waiting", ""), screen());

    listener.onProgress(layer(Phase.UNPACKING, BASE, 2000));
    listener.onProgress(all(Phase.SYNCING));
    assertEquals(id(BASE) + ": unpacked", screen().get(0));

    listener.onProgress(all(Phase.DONE));
    assertEquals(List.of(id(BASE) + ": done", id(TOP) + ": done", ""), screen());
  }

  @Test
  void listener_narrowTerminal_breaksNoLine() {
    Progress.Listener listener = bar(true, 30, 24).listener();
    listener.onProgress(layer(Phase.FETCHING, BASE, 1999));
    assertTrue(screen().get(0).length() < 30, screen().get(0));
  }

  @Test
  void listener_moreLayersThanRows_showsThoseUnderWay() {
    Progress.Listener listener = bar(true, 60, 6).listener();
    for (int i = 0; i < 20; i++) {
      DiffId diffId = new DiffId(Digest.sha256Of(new byte[] {(byte) i}));
      listener.onProgress(layer(Phase.FETCHING, diffId, 0));
    }
    DiffId last = new DiffId(Digest.sha256Of(new byte[] {19}));
    listener.onProgress(layer(Phase.FETCHING, last, 1000));
    List<String> screen = screen();
    assertEquals(5, screen.size(), screen::toString);
    assertTrue(screen.get(2).startsWith(id(last) + ": fetching"), screen::toString);
    assertEquals("and 17 more", screen.get(3));
  }

  @Test
  void listener_noTerminal_isSilent() {
    assertNull(bar(false, 60, 24).listener());
  }

  @Test
  void showCopied_quiet_isSilent() {
    ProgressBar bar = bar(true, 60, 24);
    bar.setQuiet(true);
    bar.showCopied(io.layerstore.Descriptor.of("x", 5, BASE.digest()), 5);
    assertEquals("", err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void parse_whatSttySays_isTheSize() {
    assertEquals(new TerminalSize(132, 50), TerminalSize.parse("50 132\n"));
    assertEquals(new TerminalSize(80, 24), TerminalSize.parse("0 0\n"));
    assertEquals(new TerminalSize(80, 24), TerminalSize.parse(""));
  }
}
