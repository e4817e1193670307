package io.layerstore.testing;

import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.GraphDriver;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A group of tests of {@link GraphDriverContract} that stands in a file of its own. */
abstract class DriverTests {

  /** What the running test works with. */
  abstract DriverKit kit();

  final GraphDriver driver() {
    return kit().driver();
  }

  final DriverTraits traits() {
    return kit().traits();
  }

  /** See {@link DriverKit#written}. */
  final String written(TreeChange... changes) throws IOException {
    return kit().written(changes);
  }

  /** See {@link DriverKit#layer}. */
  final String layer(@Nullable String parent, TreeChange... changes) throws IOException {
    return kit().layer(parent, changes);
  }
}
