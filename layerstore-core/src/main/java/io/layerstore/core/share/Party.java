package io.layerstore.core.share;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreLockedException;
import io.layerstore.StoreUser;
import io.layerstore.driver.Closing;
import io.layerstore.driver.FileFailures;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One open store among all that have the same root open, in this process and in others.
 *
 * <p>Each has a lease that it alone writes and all others read: marks of what it holds and which
 * locks it wants or has. Whoever wants something writes its mark first and looks at the others'
 * marks then; of two who want the same at the same time, at least one sees the other. A mark counts
 * as long as its owner lives, which the kernel tells; process ids and times are for messages alone.
 *
 * <p>Counters on a board say that something was changed. They are a hint to look at the disk again,
 * and for deletions more than that: see {@link #announceDeletion}.
 *
 * <p>Safe for use by many threads.
 */
public final class Party implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Party.class);

  /** Counters of the board; apart from each other, for the sake of the processors' caches. */
  private static final int MEMBERS = 0;

  private static final int DELETIONS = 64;
  private static final int PUBLICATIONS = 128;
  private static final int REPLACEMENTS = 192;
  private static final int IMAGE_CHANGES = 256;
  private static final int IMAGES_CHANGING = 320;

  private static final Pattern SEVERAL_KERNELS =
      Pattern.compile(
          "nfs[0-9]?|cifs|smb[0-9]?|smbfs|smb-?fs.*|ceph|9p|virtiofs|fuse|fuse\\.(?!fuse-overlayfs|bindfs|mergerfs|unionfs).*|glusterfs|lustre|afs|coda"
              + "|gfs2?|ocfs2|beegfs|gpfs|orangefs|pvfs2|davfs|ncpfs|vboxsf|vmhgfs|prl_fs|webdav");

  private static final long FIRST_PAUSE_NANOS = 50_000;
  private static final long LAST_PAUSE_NANOS = 4_000_000;

  /** The others have a moment to let go of the door, whatever the caller is ready to wait. */
  private static final Duration DOOR = Duration.ofSeconds(60);

  private static final String DOOR_KEY = "door";

  private final Path root;
  private final Place place;
  private final String id;
  private final Lease lease;
  private final ByteBuffer board;
  private final boolean isExclusive;
  private @Nullable Runnable door;
  private boolean isFirst;
  private volatile boolean isClosed;

  /** Whether the memory is gone: no call is under way any more, and no later one may touch it. */
  private volatile boolean isFreed;

  @GuardedBy("place")
  private long membersSeen = -1;

  @GuardedBy("place")
  private List<Peer> peers = List.of();

  private Party(Path root, Place place, String id, Lease lease, ByteBuffer board, boolean alone) {
    this.root = root;
    this.place = place;
    this.id = id;
    this.lease = lease;
    this.board = board;
    this.isExclusive = alone;
  }

  /**
   * Joins those who use {@code root}, and holds the door against others until {@link #opened}.
   *
   * @param directory the name of the directory in the root that this is about
   * @param isExclusive whether to be the only one
   * @throws StoreLockedException if one that is there does not let this one in
   * @throws LayerStoreException if it cannot be done on this file system
   */
  public static Party join(Path root, String directory, boolean isExclusive)
      throws LayerStoreException {
    try {
      Place place = place(root, directory);
      String id = String.format("%016x", ThreadLocalRandom.current().nextLong());
      Party party;
      try {
        Lease lease = new Lease(place.create(id), isExclusive, self());
        party = new Party(root, place, id, lease, place.board().piece(0), isExclusive);
        place.publish(id);
      } catch (IOException | RuntimeException e) {
        Closing.after(e, () -> place.withdraw(id));
        throw e;
      }
      try {
        party.enter();
        return party;
      } catch (IOException | RuntimeException e) {
        Closing.after(e, party::close);
        throw e;
      }
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException | UnsupportedOperationException e) {
      throw new LayerStoreException(
          "processes cannot share the store at "
              + root
              + ": "
              + (e instanceof IOException failure ? FileFailures.describe(failure) : e.toString())
              + "; open it exclusively",
          e);
    }
  }

  private static Place place(Path root, String directory) throws IOException {
    if (root.getFileSystem() == FileSystems.getDefault()) {
      requireOneKernel(Files.getFileStore(root).type());
      return new FilePlace(root, root.resolve(directory));
    }
    @Nullable Object key = Files.readAttributes(root, BasicFileAttributes.class).fileKey();
    return new MemoryPlace(root, key == null ? root.toRealPath() : key);
  }

  /**
   * Refuses file systems that several kernels may have mounted at the same time: who lives on
   * another machine cannot be told, and memory is not shared with it.
   */
  static void requireOneKernel(String type) throws IOException {
    if (SEVERAL_KERNELS.matcher(type).matches()) {
      throw new IOException("other machines may use the file system " + type + " too");
    }
  }

  /** Who uses {@code root}, as far as anybody can tell who does not; none if it cannot be told. */
  public static List<StoreUser> usersOf(Path root, String directory) {
    List<StoreUser> users = new ArrayList<>();
    try {
      if (!Files.isDirectory(root.resolve(directory))
          && root.getFileSystem() == FileSystems.getDefault()) {
        return users;
      }
      Place place = place(root, directory);
      for (String other : place.ids()) {
        try {
          Peer peer = Peer.open(place, other);
          if (peer.isIn() && peer.isAlive()) {
            users.add(peer.describe(false));
          }
        } catch (IOException e) {
          log.debug("{} went while it was looked at, or says nothing", other, e);
        }
      }
      place.free();
    } catch (IOException e) {
      log.debug("cannot tell who uses {}", root, e);
    }
    return users;
  }

  /** Removes what is left when nobody uses {@code root}, as far as that can be. */
  public static void removeTraces(Path root, String directory) {
    try {
      if (root.getFileSystem() == FileSystems.getDefault()
          && Files.isDirectory(root.resolve(directory))) {
        new FilePlace(root, root.resolve(directory)).removeIfUnused();
      }
    } catch (IOException e) {
      log.debug("{} stays in {}", directory, root, e);
    }
  }

  private static Lease.Self self() {
    ProcessHandle process = ProcessHandle.current();
    String command =
        process
            .info()
            .commandLine()
            .or(() -> process.info().command())
            .orElseGet(() -> System.getProperty("sun.java.command", "java"));
    byte[] bytes = command.getBytes(StandardCharsets.UTF_8);
    return new Lease.Self(
        process.pid(),
        Arrays.copyOf(bytes, Math.min(bytes.length, Marks.MAX_COMMAND_BYTES)),
        Instant.now().truncatedTo(ChronoUnit.MILLIS));
  }

  private void enter() throws IOException {
    add(MEMBERS);
    long deadline = System.nanoTime() + DOOR.toNanos();
    door = lock(Kind.DOOR, DOOR_KEY, false, deadline);
    if (door == null) {
      StoreUser holder = holder(Kind.DOOR, DOOR_KEY);
      throw new StoreLockedException(root, holder);
    }
    boolean hasOthers = false;
    for (Peer peer : peers()) {
      if (peer.isIn() && peer.isAlive()) {
        if (isExclusive || peer.isExclusive()) {
          throw new StoreLockedException(root, peer.describe(false));
        }
        hasOthers = true;
      }
    }
    isFirst = !hasOthers;
    lease.enter();
    if (hasOthers) {
      opened();
    }
  }

  /** Whether nobody else had the root open when this one joined: the one who may repair it. */
  public boolean isFirst() {
    return isFirst;
  }

  public boolean isExclusive() {
    return isExclusive;
  }

  /** Lets others in. A second call does nothing. */
  public void opened() {
    @Nullable Runnable held = door;
    door = null;
    if (held != null) {
      held.run();
    }
  }

  /** Keeps others from joining until what this returns is run. */
  public Runnable closeDoor() {
    return lock(Kind.DOOR, DOOR_KEY);
  }

  // ---- marks ----

  /** Writes a mark that counts until it is cleared; returns what to clear it by. */
  public int mark(Kind kind, String key) {
    return isClosed ? -1 : lease.put(kind, Marks.bytes(key), Marks.HELD);
  }

  public void clear(int mark) {
    if (!isClosed && mark >= 0) {
      lease.clear(mark);
    }
  }

  /** Another living user that has such a mark; null if there is none. */
  private @Nullable Peer other(Kind kind, byte[] key) {
    long hash = Marks.hash(key);
    try {
      for (Peer peer : peers()) {
        if (peer.find(kind, key, hash) != 0 && peer.isAlive()) {
          return peer;
        }
      }
      return null;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at what others hold in " + root, e);
    } catch (InternalError e) {
      throw Words.cut(e);
    }
  }

  /** Whether another living user has such a mark. */
  public boolean isMarkedElsewhere(Kind kind, String key) {
    return other(kind, Marks.bytes(key)) != null;
  }

  /** Who else has such a mark, in words; one of them, or null if nobody has. */
  public @Nullable StoreUser holder(Kind kind, String key) {
    Peer peer = other(kind, Marks.bytes(key));
    try {
      return peer == null ? null : peer.describe(false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<Peer> peers() throws IOException {
    synchronized (place) {
      long members = get(MEMBERS);
      if (members != membersSeen) {
        List<Peer> found = new ArrayList<>();
        for (String other : place.ids()) {
          if (!other.equals(id)) {
            try {
              found.add(Peer.open(place, other));
            } catch (NoSuchFileException e) {
              log.debug("{} left", other);
            } catch (IOException e) {
              // A power cut leaves a lease without content, which nobody forces to the disk.
              if (place.isAlive(other)) {
                throw e;
              }
              place.remove(other);
              log.debug("removed the lease {} of a dead user", other, e);
            }
          }
        }
        peers = List.copyOf(found);
        membersSeen = members;
      }
      return peers;
    }
  }

  // ---- locks ----

  /** Waits for a lock among all users; returns what lets go of it. */
  public Runnable lock(Kind kind, String key) {
    return locked(kind, key, false);
  }

  /** Waits for a lock like {@link #lock}, or until the thread is interrupted. */
  public Runnable lockInterruptibly(Kind kind, String key) throws InterruptedException {
    Runnable held = locked(kind, key, true);
    if (Thread.currentThread().isInterrupted() && held == NONE) {
      Thread.interrupted();
      throw new InterruptedException();
    }
    return held;
  }

  @SuppressWarnings("UnnecessaryLambda") // Told from others by being this one.
  private static final Runnable NONE = () -> {};

  private Runnable locked(Kind kind, String key, boolean isInterruptible) {
    @Nullable Runnable held = lock(kind, key, isInterruptible, Long.MAX_VALUE);
    return held == null ? NONE : held;
  }

  /**
   * Of those who want a lock at the same time the one with the least id goes on wanting, and the
   * others take their wish back until it is done.
   *
   * @return null if the thread was interrupted, or the deadline has passed
   */
  private @Nullable Runnable lock(Kind kind, String key, boolean isInterruptible, long deadline) {
    byte[] bytes = Marks.bytes(key);
    int mark = lease.put(kind, bytes, Marks.WANTED);
    boolean isWanted = true;
    long pause = FIRST_PAUSE_NANOS;
    boolean isInterrupted = false;
    try {
      while (true) {
        Peer rival = other(kind, bytes);
        if (rival == null) {
          if (isWanted) {
            int held = mark;
            lease.setMode(held, Marks.HELD);
            mark = -1;
            return () -> clear(held);
          }
          mark = lease.put(kind, bytes, Marks.WANTED);
          isWanted = true;
          continue;
        }
        if (isWanted && rival.id().compareTo(id) < 0) {
          lease.clear(mark);
          mark = -1;
          isWanted = false;
        }
        boolean isLate = deadline != Long.MAX_VALUE && System.nanoTime() - deadline > 0;
        if (isLate || (isInterruptible && Thread.currentThread().isInterrupted())) {
          return null;
        }
        isInterrupted |= !isInterruptible && Thread.interrupted();
        LockSupport.parkNanos(this, pause);
        pause = Math.min(LAST_PAUSE_NANOS, pause * 2);
      }
    } finally {
      if (mark >= 0) {
        lease.clear(mark);
      }
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  // ---- counters ----

  private long get(int counter) {
    return isFreed ? 0 : Words.get(board, counter);
  }

  private void set(int word, long value) {
    if (!isFreed) {
      Words.set(board, word, value);
    }
  }

  private long add(int counter) {
    return isFreed ? 0 : Words.add(board, counter, 1);
  }

  /** How often somebody came or went. */
  public long members() {
    return get(MEMBERS);
  }

  /** Whether nobody else has been here since there were so many {@link #members}. */
  public boolean isAloneSince(long members) {
    try {
      return members() == members && peers().isEmpty();
    } catch (IOException e) {
      return false;
    }
  }

  /** How many deletions were announced. */
  public long deletions() {
    return get(DELETIONS);
  }

  /**
   * Says that a layer is about to be deleted, after the mark for it was written and before the
   * marks of others are looked at. Whoever marks a layer as held and then reads the same count as
   * when it last looked at the disk has been seen; whoever reads another count looks at the disk
   * again.
   *
   * @return the count before
   */
  public long announceDeletion() {
    return add(DELETIONS);
  }

  /** How often something was published or deleted: a hint that there is something to see. */
  public long publications() {
    return get(PUBLICATIONS);
  }

  public void announcePublication() {
    add(PUBLICATIONS);
  }

  /** How often images or their names were changed: likewise a hint. */
  public long imageChanges() {
    return get(IMAGE_CHANGES);
  }

  /**
   * Says that images are about to be changed; the caller has the lock for that.
   *
   * @return whether somebody said so before and died, so that something may have changed that was
   *     not announced
   */
  public boolean beginImageChange() {
    boolean wasCutOff = get(IMAGES_CHANGING) != 0;
    if (wasCutOff) {
      add(IMAGE_CHANGES);
    }
    set(IMAGES_CHANGING, 1);
    return wasCutOff;
  }

  /** Says that images were changed; the caller still has the lock. */
  public void announceImageChange() {
    add(IMAGE_CHANGES);
    set(IMAGES_CHANGING, 0);
  }

  /** How often what a layer is kept in was replaced while others may hold the layer. */
  public long replacements() {
    return get(REPLACEMENTS);
  }

  public void announceReplacement() {
    add(REPLACEMENTS);
  }

  // ---- the others ----

  /** What others hold of one kind: who holds it, by key. */
  public Map<String, List<StoreUser>> marksElsewhere(Kind kind) {
    Map<String, List<StoreUser>> marks = new TreeMap<>();
    try {
      for (Peer peer : peers()) {
        Set<String> keys = peer.keys(kind);
        if (!keys.isEmpty() && peer.isAlive()) {
          StoreUser user = peer.describe(false);
          keys.forEach(key -> marks.computeIfAbsent(key, k -> new ArrayList<>()).add(user));
        }
      }
      return marks;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at what others hold in " + root, e);
    }
  }

  /** All users there are, this one first. */
  public List<StoreUser> users() throws LayerStoreException {
    List<StoreUser> users = new ArrayList<>();
    try {
      users.add(Peer.open(place, id).describe(true));
      for (Peer peer : peers()) {
        if (peer.isIn() && peer.isAlive()) {
          users.add(peer.describe(false));
        }
      }
      return users;
    } catch (IOException e) {
      throw new LayerStoreException(
          "cannot tell who uses " + root + ": " + FileFailures.describe(e), e);
    }
  }

  /** Whether another user is there now. */
  public boolean hasOthers() {
    try {
      for (Peer peer : peers()) {
        if (peer.isAlive()) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  /** The leases of those who are dead, to be forgotten when what they left has been swept. */
  public List<String> dead() {
    List<String> dead = new ArrayList<>();
    try {
      for (Peer peer : peers()) {
        if (!peer.isAlive()) {
          dead.add(peer.id());
        }
      }
    } catch (IOException e) {
      log.debug("cannot tell who is dead", e);
    }
    return dead;
  }

  /** Removes leases of {@link #dead} users. */
  public void forget(List<String> dead) {
    for (String other : dead) {
      try {
        place.remove(other);
      } catch (IOException e) {
        log.debug("the lease {} of a dead user stays", other, e);
      }
    }
    if (!dead.isEmpty()) {
      add(MEMBERS);
    }
  }

  /**
   * Fails unless this store still is where the next one would look.
   *
   * @throws LayerStoreException if the root, or the directory in it, was moved, replaced or deleted
   */
  public void requireInPlace() throws LayerStoreException {
    place.requireInPlace();
  }

  /** Takes back all marks, and leaves. A second call does nothing. */
  @Override
  public void close() throws LayerStoreException {
    if (isClosed) {
      return;
    }
    isClosed = true;
    try {
      lease.end();
      place.withdraw(id);
      add(MEMBERS);
      isFreed = true;
      place.free();
    } catch (IOException e) {
      throw new LayerStoreException(
          "cannot take back the lease on " + root + ": " + FileFailures.describe(e), e);
    }
  }
}
