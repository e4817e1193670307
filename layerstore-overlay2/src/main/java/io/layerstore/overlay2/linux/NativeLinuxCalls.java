package io.layerstore.overlay2.linux;

import io.layerstore.ByteString;
import io.layerstore.DriverException;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.WriteContext;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/** Asks the kernel through helper processes. */
public final class NativeLinuxCalls implements LinuxCalls {

  private static final Path ROOT = Path.of("/");
  private static final Duration EXCHANGE_TIMEOUT = Duration.ofSeconds(60);

  private final Path binary;
  private final NamespaceChoice choice;
  private final int extraFlags;

  /**
   * Through a program, in a namespace.
   *
   * @param binary as {@link HelperBinary#locate} found it
   */
  public NativeLinuxCalls(Path binary, UserNamespace namespace) {
    this(binary, namespace, 0);
  }

  /**
   * Through a program, in a namespace with many ids or, if helpers do not get these, in one with
   * the user's own.
   *
   * @param binary as {@link HelperBinary#locate} found it
   */
  public static NativeLinuxCalls preferring(Path binary, UserNamespace namespace) {
    return new NativeLinuxCalls(binary, new NamespaceChoice(namespace, true), 0);
  }

  /** The same with {@code START_} flags that make the helper do without what this kernel has. */
  NativeLinuxCalls(Path binary, UserNamespace namespace, int extraFlags) {
    this(
        binary,
        new NamespaceChoice(Objects.requireNonNull(namespace, "namespace"), false),
        extraFlags);
  }

  private NativeLinuxCalls(Path binary, NamespaceChoice choice, int extraFlags) {
    this.binary = Objects.requireNonNull(binary, "binary");
    this.choice = choice;
    this.extraFlags = extraFlags;
  }

  @Override
  public UserNamespace likelyNamespace() {
    return choice.likely();
  }

  @Override
  public UserNamespace namespace() throws LayerStoreException {
    if (!choice.isSettled()) {
      start(HelperStart.inHome(HelperMode.SYNC, ROOT)).close();
    }
    return choice.likely();
  }

  @Override
  public KernelFeatures probe(Path directory) throws LayerStoreException {
    try (HelperProcess helper = start(HelperStart.inHome(HelperMode.PROBE, directory))) {
      return ProbeRequest.send(helper);
    }
  }

  @Override
  public Mounts openMounts(Path home, MountSettings settings) throws LayerStoreException {
    boolean isUsed = likelyNamespace().isUsed();
    Path real = isUsed ? realHome(home) : home;
    HelperStart start =
        HelperStart.inHome(HelperMode.MOUNT, real).withRoot(settings.rootUid(), settings.rootGid());
    return new MountHelper(binary, start(start), real, settings, isUsed);
  }

  /**
   * Home without links in its path: below {@code /proc/<pid>/root} an absolute link would lead out
   * again, to where nothing is mounted.
   */
  private static Path realHome(Path home) throws DriverException {
    try {
      return home.toRealPath();
    } catch (IOException e) {
      throw new DriverException(HelperProcess.DRIVER, null, "cannot open its home " + home, e);
    }
  }

  @Override
  public DiffWriter openWriter(Path home, String id, WriteSettings settings, WriteContext context)
      throws LayerStoreException {
    OwnerMapping owners = new OwnerMapping(DriverIds.requireValid(id), settings);
    HelperStart start =
        HelperStart.inLayer(HelperMode.APPLY, home, id, Protocol.TREE_DIFF)
            .withFlags(settings.flags())
            .withMaxFileSize(settings.maxFileSizeBytes())
            .withRoot(owners.rootUid(), owners.rootGid());
    return new ApplyHelper(start(start), id, owners, context);
  }

  @Override
  public TreeScan openDiff(Path home, String id) throws LayerStoreException {
    return new ScanHelper(
        start(
            HelperStart.inLayer(
                HelperMode.SCAN, home, DriverIds.requireValid(id), Protocol.TREE_DIFF)));
  }

  @Override
  public TreeScan openTree(Path directory) throws LayerStoreException {
    return new ScanHelper(start(HelperStart.inHome(HelperMode.SCAN, directory)));
  }

  @Override
  public List<String> mountsBelow(Path directory) {
    return MountHolders.mountsBelow(directory);
  }

  @Override
  public void remove(Path home, String id) throws LayerStoreException {
    DriverIds.requireValid(id);
    try (HelperProcess helper = start(HelperStart.inHome(HelperMode.REMOVE, home))) {
      RemoveRequest.send(helper, home, id);
    }
  }

  @Override
  public void exchange(Path home, String id, String other) throws LayerStoreException {
    ByteString first = ByteString.utf8(DriverIds.requireValid(id));
    ByteString second = ByteString.utf8(DriverIds.requireValid(other));
    try (HelperProcess helper = start(HelperStart.inHome(HelperMode.REMOVE, home))) {
      new Conversation(helper, EXCHANGE_TIMEOUT)
          .ask(
              number ->
                  new FrameBuilder(Protocol.HEADER_SIZE + 4 + first.length() + second.length())
                      .begin(Protocol.OP_EXCHANGE, number)
                      .bytes(first)
                      .bytes(second)
                      .end(),
              Conversation::takeDone,
              error -> error.toException(HelperProcess.DRIVER, id));
    }
  }

  @Override
  public void sync(Path home) throws LayerStoreException {
    try (HelperProcess helper = start(HelperStart.inHome(HelperMode.SYNC, home))) {
      SyncRequest.send(helper);
    }
  }

  private HelperProcess start(HelperStart start) throws LayerStoreException {
    HelperStart all = start.withFlags(start.flags() | extraFlags);
    return choice.start(namespace -> HelperProcess.start(binary, all, namespace));
  }
}
