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
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One open store among all that have the same root open, in this process and in others.
 *
 * <p><b>Claims.</b> Each participant has a lease: a list of claims, which it alone writes and all
 * others read. A claim says that it holds something, such as a layer that must stay, or that it
 * wants or has a lock. Whoever wants something writes its claim first and then looks at the others'
 * claims, so of two who want the same at the same time, at least one sees the other. A claim counts
 * as long as the process of its owner lives, which the kernel tells; process ids and times are for
 * messages alone.
 *
 * <p><b>Counters.</b> A board that all write to counts what was changed. A new count is a hint to
 * look at the disk again, and for deletions more than that: see {@link #announceDeletion}.
 *
 * <p>Safe for use by many threads.
 */
public final class Participant implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Participant.class);

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

  /** Who has waited long can wait so much longer for the next look, which others pay for too. */
  private static final int PART_OF_WAIT = 16;

  private static final long LONGEST_PAUSE_NANOS = 50_000_000;

  /** Nobody need be told of a wait that is over before this. */
  private static final long TELLING_PAUSE_NANOS = 800_000;

  /** The others have a moment to let go of the door, whatever the caller is ready to wait. */
  private static final Duration DOOR = Duration.ofSeconds(60);

  private static final String DOOR_KEY = "door";

  private final Path root;
  private final LeaseStore leases;
  private final String id;
  private final Lease lease;
  private final ByteBuffer board;
  private final boolean isExclusive;
  private @Nullable Runnable door;
  private boolean isFirst;
  private volatile boolean isClosed;

  /** Whether the memory is gone: no call is under way any more, and no later one may touch it. */
  private volatile boolean isFreed;

  @GuardedBy("leases")
  private long membersSeen = -1;

  @GuardedBy("leases")
  private List<Peer> peers = List.of();

  private Participant(
      Path root, LeaseStore leases, String id, Lease lease, ByteBuffer board, boolean alone) {
    this.root = root;
    this.leases = leases;
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
  public static Participant join(Path root, String directory, boolean isExclusive)
      throws LayerStoreException {
    try {
      LeaseStore leases = leases(root, directory);
      String id = String.format("%016x", ThreadLocalRandom.current().nextLong());
      Participant participant;
      try {
        Lease lease = new Lease(leases.create(id), isExclusive, self());
        participant =
            new Participant(root, leases, id, lease, leases.board().piece(0), isExclusive);
        leases.publish(id);
      } catch (IOException | RuntimeException e) {
        Closing.after(e, () -> leases.withdraw(id));
        throw e;
      }
      try {
        participant.enter();
        return participant;
      } catch (IOException | RuntimeException e) {
        Closing.after(e, participant::close);
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

  private static LeaseStore leases(Path root, String directory) throws IOException {
    if (root.getFileSystem() == FileSystems.getDefault()) {
      requireOneKernel(Files.getFileStore(root).type());
      return new FileLeaseStore(root, root.resolve(directory));
    }
    @Nullable Object key = Files.readAttributes(root, BasicFileAttributes.class).fileKey();
    return new MemoryLeaseStore(root, key == null ? root.toRealPath() : key);
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
      LeaseStore leases = leases(root, directory);
      for (String other : leases.ids()) {
        try {
          Peer peer = Peer.open(leases, other);
          if (peer.isIn() && peer.isAlive()) {
            users.add(peer.describe(false));
          }
        } catch (IOException e) {
          log.debug("{} went while it was looked at, or says nothing", other, e);
        }
      }
      leases.free();
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
        new FileLeaseStore(root, root.resolve(directory)).removeIfUnused();
      }
    } catch (IOException e) {
      log.debug("{} stays in {}", directory, root, e);
    }
  }

  private static Lease.Owner self() {
    ProcessHandle process = ProcessHandle.current();
    String command =
        process
            .info()
            .commandLine()
            .or(() -> process.info().command())
            .orElseGet(() -> System.getProperty("sun.java.command", "java"));
    byte[] bytes = command.getBytes(StandardCharsets.UTF_8);
    return new Lease.Owner(
        process.pid(),
        Arrays.copyOf(bytes, Math.min(bytes.length, LeaseFormat.MAX_COMMAND_BYTES)),
        Instant.now().truncatedTo(ChronoUnit.MILLIS));
  }

  private void enter() throws IOException {
    add(MEMBERS);
    long deadline = System.nanoTime() + DOOR.toNanos();
    door = lock(ClaimKind.DOOR, DOOR_KEY, false, deadline, user -> {});
    if (door == null) {
      StoreUser holder = holder(ClaimKind.DOOR, DOOR_KEY);
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
    return lock(ClaimKind.DOOR, DOOR_KEY);
  }

  // ---- claims ----

  /** Writes a claim that counts until it is cleared; returns what to clear it by. */
  public int claim(ClaimKind kind, String key) {
    return isClosed ? -1 : lease.put(kind, LeaseFormat.bytes(key), LeaseFormat.HELD);
  }

  public void clear(int claim) {
    if (!isClosed && claim >= 0) {
      lease.clear(claim);
    }
  }

  /** Another living user that has such a claim; null if there is none. */
  private @Nullable Peer other(ClaimKind kind, byte[] key) {
    long hash = LeaseFormat.hash(key);
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
      throw SharedMemory.cut(e);
    }
  }

  /** Whether another living user has such a claim. */
  public boolean isClaimedElsewhere(ClaimKind kind, String key) {
    return other(kind, LeaseFormat.bytes(key)) != null;
  }

  /** Who else has such a claim, in words; one of them, or null if nobody has. */
  public @Nullable StoreUser holder(ClaimKind kind, String key) {
    Peer peer = other(kind, LeaseFormat.bytes(key));
    return peer == null ? null : describe(peer);
  }

  private static StoreUser describe(Peer peer) {
    try {
      return peer.describe(false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<Peer> peers() throws IOException {
    synchronized (leases) {
      long members = get(MEMBERS);
      if (members != membersSeen) {
        List<Peer> found = new ArrayList<>();
        for (String other : leases.ids()) {
          if (!other.equals(id)) {
            try {
              found.add(Peer.open(leases, other));
            } catch (NoSuchFileException e) {
              log.debug("{} left", other);
            } catch (IOException e) {
              // A power cut leaves a lease without content, which nobody forces to the disk.
              if (leases.isAlive(other)) {
                throw e;
              }
              leases.remove(other);
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
  public Runnable lock(ClaimKind kind, String key) {
    return locked(kind, key, false, user -> {});
  }

  /**
   * Waits for a lock like {@link #lock}, or until the thread is interrupted.
   *
   * @param waiting told who has the lock, or is to have it before, whenever that is another one
   */
  public Runnable lockInterruptibly(ClaimKind kind, String key, Consumer<? super StoreUser> waiting)
      throws InterruptedException {
    Runnable held = locked(kind, key, true, waiting);
    if (Thread.currentThread().isInterrupted() && held == NONE) {
      Thread.interrupted();
      throw new InterruptedException();
    }
    return held;
  }

  @SuppressWarnings("UnnecessaryLambda") // Told from others by being this one.
  private static final Runnable NONE = () -> {};

  private Runnable locked(
      ClaimKind kind, String key, boolean isInterruptible, Consumer<? super StoreUser> waiting) {
    @Nullable Runnable held = lock(kind, key, isInterruptible, Long.MAX_VALUE, waiting);
    return held == null ? NONE : held;
  }

  /**
   * Of those who want a lock at the same time the one with the least id goes on wanting, and the
   * others take their wish back until it is done.
   *
   * @return null if the thread was interrupted, or the deadline has passed
   */
  private @Nullable Runnable lock(
      ClaimKind kind,
      String key,
      boolean isInterruptible,
      long deadline,
      Consumer<? super StoreUser> waiting) {
    byte[] bytes = LeaseFormat.bytes(key);
    int claim = lease.put(kind, bytes, LeaseFormat.WANTED);
    boolean isWanted = true;
    long start = System.nanoTime();
    long pause = FIRST_PAUSE_NANOS;
    boolean isInterrupted = false;
    String told = "";
    try {
      while (true) {
        Peer rival = other(kind, bytes);
        if (rival == null) {
          if (isWanted) {
            int held = claim;
            lease.setMode(held, LeaseFormat.HELD);
            claim = -1;
            return () -> clear(held);
          }
          claim = lease.put(kind, bytes, LeaseFormat.WANTED);
          isWanted = true;
          continue;
        }
        if (isWanted && rival.id().compareTo(id) < 0) {
          lease.clear(claim);
          claim = -1;
          isWanted = false;
        }
        boolean isLate = deadline != Long.MAX_VALUE && System.nanoTime() - deadline > 0;
        if (isLate || (isInterruptible && Thread.currentThread().isInterrupted())) {
          return null;
        }
        isInterrupted |= !isInterruptible && Thread.interrupted();
        if (pause >= TELLING_PAUSE_NANOS && !rival.id().equals(told)) {
          told = rival.id();
          waiting.accept(describe(rival));
        }
        LockSupport.parkNanos(this, pause);
        pause = nextPause(pause, System.nanoTime() - start);
      }
    } finally {
      if (claim >= 0) {
        lease.clear(claim);
      }
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static long nextPause(long pause, long waited) {
    return pause < LAST_PAUSE_NANOS
        ? Math.min(LAST_PAUSE_NANOS, pause * 2)
        : Math.max(LAST_PAUSE_NANOS, Math.min(LONGEST_PAUSE_NANOS, waited / PART_OF_WAIT));
  }

  // ---- counters ----

  private long get(int counter) {
    return isFreed ? 0 : SharedMemory.get(board, counter);
  }

  private void set(int word, long value) {
    if (!isFreed) {
      SharedMemory.set(board, word, value);
    }
  }

  private long add(int counter) {
    return isFreed ? 0 : SharedMemory.add(board, counter, 1);
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
   * Says that a layer is about to be deleted, after the claim for it was written and before the
   * claims of others are looked at. Whoever claims a layer and then reads the same count as when it
   * last looked at the disk has been seen; whoever reads another count looks at the disk again.
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
  public Map<String, List<StoreUser>> claimsElsewhere(ClaimKind kind) {
    Map<String, List<StoreUser>> claims = new TreeMap<>();
    try {
      for (Peer peer : peers()) {
        Set<String> keys = peer.keys(kind);
        if (!keys.isEmpty() && peer.isAlive()) {
          StoreUser user = peer.describe(false);
          keys.forEach(key -> claims.computeIfAbsent(key, k -> new ArrayList<>()).add(user));
        }
      }
      return claims;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at what others hold in " + root, e);
    }
  }

  /** All users there are, this one first. */
  public List<StoreUser> users() throws LayerStoreException {
    List<StoreUser> users = new ArrayList<>();
    try {
      users.add(Peer.open(leases, id).describe(true));
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
        leases.remove(other);
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
    leases.requireInPlace();
  }

  /** Takes back all claims, and leaves. A second call does nothing. */
  @Override
  public void close() throws LayerStoreException {
    if (isClosed) {
      return;
    }
    isClosed = true;
    try {
      lease.end();
      leases.withdraw(id);
      add(MEMBERS);
      isFreed = true;
      leases.free();
    } catch (IOException e) {
      throw new LayerStoreException(
          "cannot take back the lease on " + root + ": " + FileFailures.describe(e), e);
    }
  }
}
