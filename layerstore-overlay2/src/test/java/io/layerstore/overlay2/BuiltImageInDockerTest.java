package io.layerstore.overlay2;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.BuildOptions;
import io.layerstore.Durability;
import io.layerstore.EntryOptions;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.LayerContent;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.testing.Busybox;
import io.layerstore.testing.DockerDaemon;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An image that was built of files loads and runs in a dockerd, and has one ID everywhere. */
final class BuiltImageInDockerTest {

  @TempDir Path directory;

  private Image build(LayerStore store, Path rootFs) throws IOException {
    ImageReference base = ImageReference.parse("base:1");
    store
        .images()
        .build(
            BuildOptions.builder()
                .layer(LayerSource.of(rootFs), "busybox")
                .reference(base)
                .build());
    LayerContent script =
        LayerContent.builder()
            .file(
                "app/run.sh",
                "#!/bin/sh\necho $GREETING from $(pwd) as $(id -u)\n".getBytes(UTF_8),
                EntryOptions.DEFAULT.withMode(0755))
            .symlink("run", "/app/run.sh")
            .build();
    return store
        .images()
        .build(
            BuildOptions.builder()
                .base("base:1")
                .layer(script, "the script")
                .entrypoint("/run")
                .environment("GREETING", "hello")
                .workingDirectory("/app")
                .user("1000:1000")
                .reference(ImageReference.parse("built:1"))
                .build());
  }

  @Test
  void build_thenLoadInDocker_runs() throws Exception {
    Path rootFs = directory.resolve("root.tar");
    Busybox.writeRootTo(rootFs);
    Path saved = directory.resolve("saved.tar");
    Image image;
    try (LayerStore store =
        LayerStore.builder(Jimfs.newFileSystem(Configuration.unix()).getPath("/store"))
            .driver("vfs")
            .durability(Durability.NONE)
            .open()) {
      image = build(store, rootFs);
      assertEquals(2, store.layers().size());
      store.images().save("built:1", saved);
    }
    Overlay2Testing.assumeSupported(directory);
    try (LayerStore store =
        LayerStore.builder(directory.resolve("store"))
            .driver("overlay2")
            .durability(Durability.NONE)
            .open()) {
      assertEquals(image.id(), build(store, rootFs).id());
    }
    try (DockerDaemon docker = DockerDaemon.start(directory.resolve("docker"), "overlay2")) {
      docker.docker("load", "-i", saved);
      assertEquals(
          image.id().toString(),
          docker.docker("image", "inspect", "-f", "{{.Id}}", "built:1").out().trim());
      String printed = docker.docker("run", "--rm", "--network", "none", "built:1").out();
      assertTrue(printed.contains("hello from /app as 1000"), printed);
    }
  }
}
