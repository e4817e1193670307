package io.layerstore.overlay2.linux;

import io.layerstore.ByteString;
import io.layerstore.DriverException;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountBusyException;
import io.layerstore.overlay2.linux.wire.Conversation;
import io.layerstore.overlay2.linux.wire.Frame;
import io.layerstore.overlay2.linux.wire.FrameBuilder;
import io.layerstore.overlay2.linux.wire.HelperError;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.PathBytes;
import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.HelperFailureException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The mounts of one home, in a helper process that lives as long as this object. */
final class MountHelper implements Mounts {

  private static final Duration TIMEOUT = Duration.ofSeconds(60);
  private static final int FIXED_SIZE = 64;

  /** What the helper says of an overlay that is still in use, if it knows that much. */
  private static final Pattern DEVICE = Pattern.compile("device ([0-9]{1,18})");

  private final Path binary;
  private final HelperProcess helper;
  private final Conversation conversation;
  private final boolean hasOwnNamespace;

  /** Home in the mount namespace of the helper. */
  private final Path inside;

  /** Home as this process reaches it. */
  private final Path home;

  private final MountSettings settings;

  MountHelper(
      Path binary,
      HelperProcess helper,
      Path home,
      MountSettings settings,
      boolean hasOwnNamespace) {
    this.binary = binary;
    this.helper = helper;
    this.hasOwnNamespace = hasOwnNamespace;
    this.conversation = new Conversation(helper, TIMEOUT);
    this.inside = home;
    this.home = hasOwnNamespace ? inNamespaceOf(helper, home.toAbsolutePath()) : home;
    this.settings = settings;
  }

  private static Path inNamespaceOf(HelperProcess helper, Path home) {
    Path root = Path.of("/proc", Long.toString(helper.pid()), "root");
    Path relative = home.getNameCount() == 0 ? home : home.subpath(0, home.getNameCount());
    return root.resolve(relative);
  }

  @Override
  public Mounted mount(OverlayMount mount) throws LayerStoreException {
    int flags = flagsOf(mount) | (mount.isPersistent() ? Protocol.MOUNT_PERSISTENT : 0);
    int api = request(mount, flags).api;
    boolean isFound = (api & Protocol.API_FOUND) != 0;
    Mounts.Api made = api == Protocol.API_NEW ? Mounts.Api.NEW : Mounts.Api.CLASSIC;
    return new Mounted(
        isFound ? Mounts.Api.ANY : made,
        isFound,
        (api & Protocol.API_FOUND_SHARED) != 0,
        (api & Protocol.API_FOUND_OF_STORE) != 0);
  }

  @Override
  public Mounts.Detached mountDetached(OverlayMount mount) throws LayerStoreException {
    int descriptor = request(mount, flagsOf(mount) | Protocol.MOUNT_DETACHED).descriptor;
    Path path = Path.of("/proc", Long.toString(helper.pid()), "fd", Integer.toString(descriptor));
    return new AttachedNowhere(mount.id(), descriptor, path);
  }

  private int flagsOf(OverlayMount mount) {
    int api =
        switch (mount.api()) {
          case ANY -> 0;
          case NEW -> Protocol.MOUNT_FORCE_NEW;
          case CLASSIC -> Protocol.MOUNT_FORCE_CLASSIC;
        };
    return settings.flags()
        | api
        | (mount.isReadOnly() ? Protocol.MOUNT_READ_ONLY : 0)
        | (mount.forbidsDevices() ? Protocol.MOUNT_NODEV : 0);
  }

  /** The answer to a mount request. */
  private static final class Answer {
    private int api;
    private int descriptor;
  }

  private Answer request(OverlayMount mount, int flags) throws LayerStoreException {
    Answer mounted = new Answer();
    conversation.ask(
        number -> frameOf(mount, flags, number),
        frame -> {
          if (frame.opcode() != Protocol.OP_MOUNTED) {
            throw new Frame.GarbageException("unexpected " + frame);
          }
          mounted.api = frame.u8();
          mounted.descriptor = frame.s32();
          frame.end();
          return true;
        },
        error ->
            switch (error.code()) {
              case Protocol.CODE_HELD -> busy(mount.id(), error);
              case Protocol.CODE_ELSEWHERE ->
                  new MountElsewhereException(
                      mount.id(), error.toException(HelperProcess.DRIVER, mount.id()));
              default -> failureOf(mount.id(), error);
            });
    return mounted;
  }

  private static FrameBuilder frameOf(OverlayMount mount, int flags, int number) {
    ByteString id = ByteString.utf8(mount.id());
    ByteString label = ByteString.utf8(mount.label());
    int size = FIXED_SIZE + id.length() + label.length();
    List<ByteString> links = new ArrayList<>();
    for (String link : mount.lowerLinks()) {
      ByteString name = ByteString.utf8(link);
      links.add(name);
      size += 2 + name.length();
    }
    FrameBuilder frame =
        new FrameBuilder(size)
            .begin(Protocol.OP_MOUNT, number)
            .u32(flags)
            .bytes(id)
            .bytes(label)
            .u16(links.size());
    links.forEach(frame::bytes);
    return frame.end();
  }

  private static LayerStoreException failureOf(String id, HelperError error) {
    HelperFailureException failure = error.toException(HelperProcess.DRIVER, id);
    if (error.code() == Protocol.CODE_TOO_LONG) {
      return new DriverException(
          HelperProcess.DRIVER,
          id,
          "too many layers for one mount on this kernel: "
              + error.text()
              + "; use fewer layers, or Linux 6.7 or newer",
          failure);
    }
    return failure;
  }

  @Override
  public boolean unmount(String id, boolean lazily) throws LayerStoreException {
    return unmount(id, lazily ? Protocol.UNMOUNT_LAZY : 0);
  }

  @Override
  public void leave(String id) throws LayerStoreException {
    unmount(id, Protocol.UNMOUNT_LEAVE);
  }

  private boolean unmount(String id, int flags) throws LayerStoreException {
    ByteString name = ByteString.utf8(DriverIds.requireValid(id));
    AtomicBoolean isGone = new AtomicBoolean();
    conversation.ask(
        number ->
            new FrameBuilder(FIXED_SIZE + name.length())
                .begin(Protocol.OP_UNMOUNT, number)
                .u32(flags)
                .bytes(name)
                .end(),
        frame -> {
          if (frame.opcode() != Protocol.OP_DONE) {
            throw new Frame.GarbageException("unexpected " + frame);
          }
          isGone.set(frame.u63() == 0);
          frame.u63();
          frame.end();
          return true;
        },
        error ->
            error.code() == Protocol.CODE_BUSY || error.code() == Protocol.CODE_HELD
                ? busy(id, error)
                : error.toException(HelperProcess.DRIVER, id));
    return isGone.get();
  }

  private MountBusyException busy(String id, HelperError error) {
    List<String> holders =
        error.code() == Protocol.CODE_HELD
            ? MountHolders.elsewhere(id, deviceIn(error.text()))
            : MountHolders.find(merged(id), helper.pid(), inside.resolve(id).resolve("merged"));
    return new MountBusyException(id, holders, error.toException(HelperProcess.DRIVER, id));
  }

  private static @Nullable Long deviceIn(String text) {
    Matcher matcher = DEVICE.matcher(text);
    return matcher.matches() ? Long.valueOf(matcher.group(1)) : null;
  }

  @Override
  public List<Mounts.Point> list() throws LayerStoreException {
    List<Mounts.Point> points = new ArrayList<>();
    conversation.ask(
        number -> FrameBuilder.empty(Protocol.OP_LIST, number),
        frame -> {
          if (frame.opcode() != Protocol.OP_MOUNTPOINT) {
            return Conversation.takeDone(frame);
          }
          points.add(
              new Mounts.Point(
                  frame.u32(),
                  frame.u32(),
                  frame.u32(),
                  frame.bytes().toString(),
                  frame.bytes().toString(),
                  frame.bytes()));
          frame.end();
          return false;
        },
        error -> error.toException(HelperProcess.DRIVER, null));
    return points;
  }

  /** The process id of the helper. */
  long pid() {
    return helper.pid();
  }

  @Override
  public Optional<Mount.Namespace> namespaceOf(Path seen) {
    return hasOwnNamespace
        ? Optional.of(new Mount.Namespace(helper.pid(), insideOf(seen)))
        : Optional.empty();
  }

  private Path insideOf(Path seen) {
    return seen.startsWith(home) ? inside.resolve(home.relativize(seen)) : seen.toAbsolutePath();
  }

  @Override
  public List<String> commandIn(Path seen, boolean isRoot, List<String> command) {
    Path directory = hasOwnNamespace ? insideOf(seen) : seen;
    List<String> all = new ArrayList<>();
    all.add(binary.toString());
    all.add("enter");
    all.add(hasOwnNamespace ? Long.toString(helper.pid()) : "0");
    all.add(isRoot ? "root" : "directory");
    all.add(HexFormat.of().formatHex(PathBytes.of(directory).toByteArray()));
    all.addAll(command);
    return all;
  }

  @Override
  public boolean isAlive() {
    return helper.isAlive();
  }

  @Override
  public Path home() {
    return home;
  }

  @Override
  public void close() {
    helper.close();
  }

  /** A mount that only its descriptor in the helper keeps. */
  private final class AttachedNowhere implements Mounts.Detached {
    private final String id;
    private final int descriptor;
    private final Path path;
    private boolean isOpen = true;

    AttachedNowhere(String id, int descriptor, Path path) {
      this.id = id;
      this.descriptor = descriptor;
      this.path = path;
    }

    @Override
    public Path path() {
      return path;
    }

    @Override
    public synchronized void close() throws LayerStoreException {
      if (!isOpen) {
        return;
      }
      isOpen = false;
      if (!helper.isAlive()) {
        return; // Gone with the helper.
      }
      conversation.ask(
          number ->
              new FrameBuilder(FIXED_SIZE).begin(Protocol.OP_RELEASE, number).u32(descriptor).end(),
          Conversation::takeDone,
          error -> error.toException(HelperProcess.DRIVER, id));
    }
  }
}
