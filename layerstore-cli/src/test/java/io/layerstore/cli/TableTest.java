package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class TableTest {

  @Test
  void writeTo_cellsOfDifferentWidth_alignsThem() throws IOException {
    Table table = new Table("NAME", "SIZE");
    table.row("a-long-name", "1 B");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Output output = new Output(bytes);

    table.writeTo(output);
    output.flush();

    assertEquals("NAME         SIZE\na-long-name  1 B\n", bytes.toString(StandardCharsets.UTF_8));
  }
}
