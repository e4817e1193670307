package io.layerstore.overlay2.linux;

import io.layerstore.ByteString;
import io.layerstore.DriverException;
import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;
import io.layerstore.overlay2.linux.KernelFeatures.Feature;
import io.layerstore.overlay2.linux.wire.Conversation;
import io.layerstore.overlay2.linux.wire.Frame;
import io.layerstore.overlay2.linux.wire.FrameBuilder;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.HelperServer;
import io.layerstore.overlay2.linux.wire.HelperStart;
import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.HelperFailureException;
import io.layerstore.spi.WriteContext;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Asks the kernel through helper processes, all forked from one. */
public final class NativeLinuxCalls implements LinuxCalls {

  /** For what takes the kernel no time. */
  private static final Duration SHORT = Duration.ofSeconds(60);

  /** For millions of files to delete, or gigabytes to write, on a slow disk. */
  private static final Duration LONG = Duration.ofHours(1);

  private final Path binary;
  private final NamespaceChoice choice;
  private final HelperServer helper;
  private final int extraFlags;

  /**
   * Of those that delete and that force to the disk, one each that waits for its next question: to
   * fork and confine another takes as long as what it does.
   */
  private final Map<HelperStart, Waiting> waiting = new HashMap<>();

  /** How often this was closed: what was asked before is not kept after. */
  private int closings;

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
    this.helper =
        new HelperServer(
            () ->
                choice.start(
                    namespace ->
                        HelperProcess.start(binary, namespace.isUsed(), namespace.ranges())));
    this.extraFlags = extraFlags;
  }

  @Override
  public UserNamespace likelyNamespace() {
    return choice.likely();
  }

  @Override
  public UserNamespace namespace() throws LayerStoreException {
    if (!choice.isSettled()) {
      helper.start();
    }
    return choice.likely();
  }

  @Override
  public KernelFeatures probe(Path directory) throws LayerStoreException {
    List<Feature> features = new ArrayList<>();
    ask(
        HelperStart.inHome(HelperStart.Mode.PROBE, directory),
        SHORT,
        number -> FrameBuilder.empty(Protocol.OP_PROBE, number),
        frame -> {
          if (frame.opcode() != Protocol.OP_FEATURE) {
            return Conversation.takeDone(frame);
          }
          String name = frame.bytes().toString();
          Feature.State state = stateOf(frame.u8());
          features.add(new Feature(name, state, frame.bytes().toString()));
          frame.end();
          return false;
        },
        error -> error.toException(HelperProcess.DRIVER, null));
    return new KernelFeatures(features);
  }

  private static Feature.State stateOf(int code) {
    return switch (code) {
      case Protocol.STATE_NO -> Feature.State.NO;
      case Protocol.STATE_YES -> Feature.State.YES;
      case Protocol.STATE_UNKNOWN -> Feature.State.UNKNOWN;
      default -> throw new Frame.GarbageException("unknown state " + code);
    };
  }

  @Override
  public Mounts openMounts(Path home, MountSettings settings) throws LayerStoreException {
    boolean isUsed = likelyNamespace().isUsed();
    Path real = isUsed ? realHome(home) : home;
    HelperStart start =
        HelperStart.inHome(HelperStart.Mode.MOUNT, real)
            .withRoot(settings.rootUid(), settings.rootGid());
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
        HelperStart.inLayer(HelperStart.Mode.APPLY, home, id, Protocol.TREE_DIFF)
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
                HelperStart.Mode.SCAN, home, DriverIds.requireValid(id), Protocol.TREE_DIFF)));
  }

  @Override
  public TreeScan openTree(Path directory) throws LayerStoreException {
    return new ScanHelper(start(HelperStart.inHome(HelperStart.Mode.SCAN, directory)));
  }

  @Override
  public List<String> mountsBelow(Path directory) {
    return MountHolders.mountsBelow(directory);
  }

  @Override
  public void remove(Path home, String id) throws LayerStoreException {
    askWaiting(
        HelperStart.inHome(HelperStart.Mode.REMOVE, home),
        questionOf(Protocol.OP_REMOVE, id),
        Conversation::takeDone,
        error -> {
          HelperFailureException failure = error.toException(HelperProcess.DRIVER, id);
          boolean isMount =
              error.code() == Protocol.CODE_BUSY || error.code() == Protocol.CODE_CROSSES_MOUNT;
          return isMount
              ? new MountBusyException(id, MountHolders.mountsBelow(home.resolve(id)), failure)
              : failure;
        });
  }

  @Override
  public void exchange(Path home, String id, String other) throws LayerStoreException {
    ask(
        HelperStart.inHome(HelperStart.Mode.REMOVE, home),
        SHORT,
        questionOf(Protocol.OP_EXCHANGE, id, other),
        Conversation::takeDone,
        error -> error.toException(HelperProcess.DRIVER, id));
  }

  @Override
  public void sync(Path home) throws LayerStoreException {
    askWaiting(
        HelperStart.inHome(HelperStart.Mode.SYNC, home),
        number -> FrameBuilder.empty(Protocol.OP_SYNC, number),
        Conversation::takeDone,
        error -> error.toException(HelperProcess.DRIVER, null));
  }

  /** Starts a helper for one question. */
  private void ask(
      HelperStart start,
      Duration timeout,
      Conversation.Question question,
      Conversation.Answer answer,
      Conversation.Failure failure)
      throws LayerStoreException {
    try (HelperProcess helper = start(start)) {
      new Conversation(helper, timeout).ask(question, answer, failure);
    }
  }

  /** A helper that has answered, and takes another question. */
  private record Waiting(HelperProcess process, Conversation conversation) {}

  /** Asks a helper that waits, or starts one; it waits afterwards unless it failed. */
  private void askWaiting(
      HelperStart start,
      Conversation.Question question,
      Conversation.Answer answer,
      Conversation.Failure failure)
      throws LayerStoreException {
    Waiting asked;
    int begun;
    synchronized (waiting) {
      asked = waiting.remove(start);
      begun = closings;
    }
    if (asked != null && !asked.process().isAlive()) {
      asked.process().close();
      asked = null;
    }
    if (asked == null) {
      HelperProcess process = start(start);
      asked = new Waiting(process, new Conversation(process, LONG));
    }
    try {
      asked.conversation().ask(question, answer, failure);
    } catch (LayerStoreException | RuntimeException e) {
      asked.process().close();
      throw e;
    }
    synchronized (waiting) {
      if (begun == closings && waiting.putIfAbsent(start, asked) == null) {
        return;
      }
    }
    asked.process().close();
  }

  private static Conversation.Question questionOf(int opcode, String... ids) {
    List<ByteString> names = new ArrayList<>();
    int size = Protocol.HEADER_SIZE;
    for (String id : ids) {
      ByteString name = ByteString.utf8(DriverIds.requireValid(id));
      names.add(name);
      size += 2 + name.length();
    }
    int all = size;
    return number -> {
      FrameBuilder frame = new FrameBuilder(all).begin(opcode, number);
      names.forEach(frame::bytes);
      return frame.end();
    };
  }

  private HelperProcess start(HelperStart start) throws LayerStoreException {
    // Attributes of the class trusted.* exist for nobody in a user namespace.
    int xattrs = choice.likely().isUsed() ? Protocol.START_USER_XATTR : 0;
    return helper.start(start.withFlags(start.flags() | xattrs | extraFlags));
  }

  @Override
  public void close() {
    List<Waiting> rest;
    synchronized (waiting) {
      closings++;
      rest = List.copyOf(waiting.values());
      waiting.clear();
    }
    rest.forEach(one -> one.process().close());
    helper.close();
  }
}
