package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.ImportOptions;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Platform;
import io.layerstore.PullOptions;
import io.layerstore.PushOptions;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * One registry for the library and for other engines: what one pushes the others pull, as the same
 * image. Needs root, Docker's registry, and for each test the engine it is about.
 */
public abstract class RegistryToolsContract extends RegistryFixture {

  /** For podman, which takes no more than 50 characters. */
  private ScratchDirectory shortDirectory;

  private int storages;

  private ImageReference name;
  private Digest digest;
  private String id;

  /** Tests the graph driver called {@code driver}. */
  protected RegistryToolsContract(String driver) {
    super(driver);
  }

  @Override
  protected void assumeSupported(Path directory) {
    Machine.requireRoot();
  }

  @BeforeAll
  void pushOne() throws Exception {
    shortDirectory = ScratchDirectory.createShort();
    name = ImageReference.parse(registry.address() + "/some/image:1");
    Path root = scratch.resolve("busybox.tar");
    Busybox.writeRootTo(root);
    try (LayerStore store = open("source")) {
      id =
          store
              .images()
              .importRootFs(
                  LayerSource.of(root),
                  ImportOptions.builder()
                      .reference(name)
                      .changes(List.of("CMD [\"/bin/echo\", \"hello\"]"))
                      .build())
              .id()
              .toString();
      digest = store.images().push(name.toString(), name, PUSH).digest();
    }
  }

  @AfterAll
  void deleteShortDirectory() throws Exception {
    if (shortDirectory != null) {
      shortDirectory.close();
    }
  }

  private String pulledId(String directory, ImageReference reference) throws Exception {
    try (LayerStore store = open(directory)) {
      return store.images().pull(reference, PULL).images().get(0).id().toString();
    }
  }

  @Test
  void dockerd_imageThatWasPushed_pullsAndRunsIt() throws Exception {
    try (DockerDaemon daemon = DockerDaemon.startCleanly(scratch.resolve("docker"), driver)) {
      daemon.docker("pull", name);

      assertEquals(id, daemon.docker("inspect", "--format={{.Id}}", name).text());
      assertEquals("hello", daemon.docker("run", "--rm", "--network=none", name).text());
      assertEquals(
          name.repository() + "@" + digest,
          daemon.docker("inspect", "--format={{index .RepoDigests 0}}", name).text());

      daemon.docker("tag", name, name.withTag("docker"));
      daemon.docker("push", name.withTag("docker"));
      daemon.stop();
    }
    assertEquals(id, pulledId("from-docker", name.withTag("docker")));
  }

  @Test
  void dockerd_onARootWithAPulledImage_knowsItsDigestAndPushesNoLayer() throws Exception {
    try (LayerStore store = open("shared")) {
      store.images().pull(name, PULL);
    }
    try (DockerDaemon daemon = DockerDaemon.startCleanly(scratch.resolve("shared"), driver)) {
      assertEquals(
          "[" + name.repository() + "@" + digest + "]",
          daemon.docker("inspect", "--format={{.RepoDigests}}", name).text());

      String said = daemon.docker("push", name).out();

      assertTrue(said.contains("Layer already exists"), said);
      assertFalse(said.contains("Pushed"), said);
      assertTrue(said.contains(digest.toString()), said);
      daemon.stop();
    }
  }

  @Test
  void podman_imageThatWasPushed_seesTheSameDigestAndId() throws Exception {
    Tool podman = Tool.require("podman");
    List<String> own = ownStorage("podman");
    run(podman, own, "pull", "--quiet", "--tls-verify=false", name);

    assertEquals(
        digest.toString(),
        run(podman, own, "image", "inspect", "--format={{.Digest}}", name).text());
    assertEquals(
        id, "sha256:" + run(podman, own, "image", "inspect", "--format={{.Id}}", name).text());

    run(podman, own, "tag", name, name.withTag("podman"));
    run(podman, own, "push", "--quiet", "--tls-verify=false", name.withTag("podman"));
    // podman may write the configuration anew, in the OCI's form; the layers stay.
    try (LayerStore store = open("from-podman")) {
      store.images().pull(name, PULL);
      store.images().pull(name.withTag("podman"), PULL);
      assertEquals(1, store.layers().size());
    }
  }

  @Test
  void buildah_imageThatWasPushed_seesTheSameDigestAndPushesTheSame() throws Exception {
    Tool buildah = Tool.require("buildah");
    List<String> own = ownStorage("buildah");
    run(buildah, own, "pull", "--quiet", "--tls-verify=false", name);

    assertEquals(
        digest.toString(),
        run(buildah, own, "inspect", "--type=image", "--format={{.FromImageDigest}}", name).text());

    run(buildah, own, "manifest", "create", "several");
    run(buildah, own, "manifest", "add", "--tls-verify=false", "several", "docker://" + name);
    run(
        buildah,
        own,
        "manifest",
        "push",
        "--all",
        "--tls-verify=false",
        "several",
        "docker://" + name.withTag("several"));
    assertEquals(id, pulledId("from-buildah", name.withTag("several")));
  }

  /** An index of two platforms, made by a tool with the commands of buildah. */
  private ImageReference several(Tool tool, List<String> own, String tag) throws Exception {
    ImageReference arm = name.withTag("arm");
    try (LayerStore store = open("arm-" + tag)) {
      importArm(store, arm);
      store.images().push(arm.toString(), arm, PUSH);
    }
    run(tool, own, "manifest", "create", tag);
    for (ImageReference image : List.of(name, arm)) {
      run(tool, own, "manifest", "add", "--tls-verify=false", tag, "docker://" + image);
    }
    run(
        tool,
        own,
        "manifest",
        "push",
        "--all",
        "--tls-verify=false",
        tag,
        "docker://" + name.withTag(tag));
    return name.withTag(tag);
  }

  /** Pulls all of an index and pushes it under another tag. */
  private void assertPushedByteForByte(ImageReference index) throws Exception {
    try (LayerStore store = open("again-" + index.tag().orElseThrow())) {
      Digest before = store.images().remote(index, ALONE).manifest().digest();
      PullOptions all =
          PULL.toBuilder().allPlatforms(true).platform(Platform.of("amd64", "linux")).build();
      assertEquals(2, store.images().pull(index, all).images().size());

      Digest after =
          store
              .images()
              .push(
                  index.toString(),
                  index.withTag("again"),
                  PushOptions.builder().registry(ALONE).allPlatforms(true).build())
              .digest();

      assertEquals(before, after);
    }
  }

  @Test
  void buildah_manifestOfTwoPlatforms_isPulledAndPushedByteForByte() throws Exception {
    Tool buildah = Tool.require("buildah");
    List<String> own = ownStorage("buildah-two");

    assertPushedByteForByte(several(buildah, own, "by-buildah"));
  }

  @Test
  void podman_manifestOfTwoPlatforms_isPulledAndPushedByteForByte() throws Exception {
    Tool podman = Tool.require("podman");
    List<String> own = ownStorage("podman-two");

    assertPushedByteForByte(several(podman, own, "by-podman"));
  }

  @Test
  void podman_indexThatWasPushed_pullsEachPlatform() throws Exception {
    Tool podman = Tool.require("podman");
    List<String> own = ownStorage("podman-index");
    ImageReference index = name.withTag("index");
    String arm;
    try (LayerStore store = open("index")) {
      store.images().pull(name, PULL);
      arm = importArm(store, ImageReference.parse("arm:1"));
      store.images().push(List.of(name.toString(), "arm:1"), index, PUSH);
    }

    run(podman, own, "pull", "--quiet", "--tls-verify=false", "--arch=arm64", index);

    assertEquals(
        arm, "sha256:" + run(podman, own, "image", "inspect", "--format={{.Id}}", index).text());
  }

  private List<String> ownStorage(String name) {
    return List.of(
        "--root=" + scratch.resolve(name),
        "--runroot=" + shortDirectory.path().resolve(Integer.toString(++storages)),
        "--storage-driver=vfs");
  }

  private static Tool.Result run(Tool tool, List<String> own, Object... arguments)
      throws Exception {
    Object[] all = new Object[own.size() + arguments.length];
    for (int i = 0; i < own.size(); i++) {
      all[i] = own.get(i);
    }
    System.arraycopy(arguments, 0, all, own.size(), arguments.length);
    return tool.run(all);
  }
}
