package io.layerstore.core.tarsplit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.LayerPath;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class LastPositionsTest {

  @Test
  void isLast_manyPathsSomeRepeated_isRightForEach() {
    Random random = new Random(14);
    LastPositions positions = new LastPositions();
    List<LayerPath> added = new ArrayList<>();
    Map<LayerPath, Long> last = new HashMap<>();
    for (long position = 0; position < 20_000; position++) {
      LayerPath path = LayerPath.of("d/" + random.nextInt(10_000));
      positions.add(path, position);
      added.add(path);
      last.put(path, position);
    }

    for (int position = 0; position < added.size(); position++) {
      LayerPath path = added.get(position);
      assertEquals(
          last.get(path) == position, positions.isLast(path, position), path + " at " + position);
    }
  }
}
