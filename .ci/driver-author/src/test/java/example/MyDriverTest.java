package example;

import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.testing.GraphDriverProviderContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

final class MyDriverTest extends GraphDriverProviderContract {
  @TempDir Path directory;

  @Override
  protected GraphDriverProvider newProvider() {
    return new MyDriverProvider();
  }

  @Override
  protected Path newRoot() {
    return directory;
  }
}
