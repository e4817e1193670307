package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.PullOptions;
import io.layerstore.PushOptions;
import io.layerstore.spi.RegistryProvider;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.FileSystem;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What needs a registry, where the module for that is not on the class path, as it is not here. */
final class WithoutRegistryTest {

  private static final ImageReference REFERENCE = ImageReference.parse("127.0.0.1:1/some/image:1");

  private final FileSystem memory =
      Jimfs.newFileSystem(
          Configuration.unix().toBuilder()
              .setAttributeViews("basic", "owner", "posix", "unix", "user")
              .build());
  private LayerStore store;

  @BeforeEach
  void openStore() throws IOException {
    store = LayerStore.open(memory.getPath("/store"));
    store
        .images()
        .load(
            ImageSource.of(ImageFiles.docker(SampleImage.small("a", 1), "mine:1").toStream()),
            LoadOptions.DEFAULT);
  }

  @AfterEach
  void closeStore() throws IOException {
    store.close();
    memory.close();
  }

  private void assertNamesTheDependency(Executable call) {
    LayerStoreException e = assertThrows(LayerStoreException.class, call);
    assertTrue(e.getMessage().contains("io.layerstore:layerstore-registry"), String.valueOf(e));
    assertEquals(1, store.images().list().size());
    assertEquals(1, store.images().references().list().size());
  }

  @Test
  void pull_anImage_namesTheDependency() {
    assertNamesTheDependency(() -> store.images().pull(REFERENCE));
  }

  @Test
  void pull_allTags_namesTheDependency() {
    PullOptions options = PullOptions.builder().allTags(true).build();

    assertNamesTheDependency(() -> store.images().pull(REFERENCE, options));
  }

  @Test
  void push_anImage_namesTheDependency() {
    assertNamesTheDependency(() -> store.images().push("mine:1", REFERENCE, PushOptions.DEFAULT));
  }

  @Test
  void remote_anImage_namesTheDependency() {
    assertNamesTheDependency(() -> store.images().remote(REFERENCE));
  }

  @Test
  void pull_imageThatIsThereAndPolicySaysSo_needsNoRegistry() throws Exception {
    PullOptions options = PullOptions.builder().policy(PullOptions.Policy.MISSING).build();

    assertEquals(
        List.of(ImageReference.parse("mine:1")),
        store.images().pull(ImageReference.parse("mine:1"), options).images().get(0).references());
  }

  @Test
  void find_threadSeesNothingAtAll_namesTheDependency() throws Exception {
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    try (URLClassLoader nothing = new URLClassLoader(new URL[0], null)) {
      Thread.currentThread().setContextClassLoader(nothing);
      assertNamesTheDependency(RegistryProvider::find);
    } finally {
      Thread.currentThread().setContextClassLoader(before);
    }
  }
}
