package io.layerstore.driver;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.LayerPath;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The names of layers and of their entries: the chain IDs of 100 layers, and the set of 20,000
 * paths, whose floor is a set that keeps them.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class NamesBenchmark {

  private static final int LAYERS = 100;
  private static final int PATHS = 20_000;

  private final List<DiffId> diffIds = new ArrayList<>();
  private final List<LayerPath> paths = new ArrayList<>();

  /** Makes the names. */
  @Setup
  public void makeNames() {
    for (int i = 0; i < LAYERS; i++) {
      diffIds.add(new DiffId(Digest.sha256Of(("layer" + i).getBytes(StandardCharsets.UTF_8))));
    }
    for (int i = 0; i < PATHS; i++) {
      paths.add(LayerPath.of("usr/share/doc/package" + i / 20 + "/file" + i));
    }
  }

  /** The chain ID of the topmost layer. */
  @Benchmark
  public ChainId chainIds() {
    return ChainId.of(diffIds).orElseThrow();
  }

  /** Every path added, and looked for once. */
  @Benchmark
  public int pathSet() {
    PathSet set = new PathSet();
    int found = 0;
    for (LayerPath path : paths) {
      found += set.add(path) && set.contains(path) ? 1 : 0;
    }
    return found;
  }

  /** The same with a set that keeps the paths. */
  @Benchmark
  public int hashSet() {
    Set<LayerPath> set = new HashSet<>();
    int found = 0;
    for (LayerPath path : paths) {
      found += set.add(path) && set.contains(path) ? 1 : 0;
    }
    return found;
  }
}
