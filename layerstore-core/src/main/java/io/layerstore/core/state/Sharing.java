package io.layerstore.core.state;

import io.layerstore.ChainId;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreUser;
import io.layerstore.core.share.ClaimKind;
import io.layerstore.core.share.Participant;
import io.layerstore.driver.KeyedLock;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What one store knows of the others on its root, and how far it has followed them. For a store
 * that is alone, there are no others and nothing to follow.
 *
 * <p>Safe for use by many threads.
 */
public final class Sharing {

  /** Brings something that depends on layers up to date; takes no lock that others wait under. */
  @FunctionalInterface
  public interface Follower {
    void follow() throws LayerStoreException;
  }

  private final Path root;
  private final @Nullable RootUse use;
  private final @Nullable Participant participant;

  /** Guards the looks at the disk; never held while waiting for others. */
  private final Object looking = new Object();

  private final List<Follower> followers = new CopyOnWriteArrayList<>();

  /** Layers that this store is about to hide. */
  private final Set<ChainId> deleting = ConcurrentHashMap.newKeySet();

  /** What was on the disk when the root was opened and could not be loaded. */
  private final Set<ChainId> unusable = ConcurrentHashMap.newKeySet();

  private volatile Counts seen = Counts.NONE;
  private volatile long replacements;
  private volatile OptionalLong stateSeen = OptionalLong.empty();

  /**
   * @param use the right to write; null for a store that only reads
   */
  public Sharing(Path root, @Nullable RootUse use) {
    this.root = root;
    this.use = use;
    Participant found = use == null ? null : use.participant();
    this.participant = found == null || found.isExclusive() ? null : found;
    this.replacements = participant == null ? 0 : participant.replacements();
  }

  /** This store among the others; null for a store that is alone or only reads. */
  public @Nullable Participant participant() {
    return participant;
  }

  public boolean isShared() {
    return participant != null;
  }

  /** Whether no other store had the root open when this one was opened. */
  public boolean isFirst() {
    return use == null || use.isFirst();
  }

  /** Says that something is held until {@link #clear}; returns what to clear it by. */
  public int claim(ClaimKind kind, String key) {
    return participant == null ? -1 : participant.claim(kind, key);
  }

  public void clear(int claim) {
    if (participant != null) {
      participant.clear(claim);
    }
  }

  /** Whether another store has the root open now. */
  public boolean hasOthers() {
    return participant != null && participant.hasOthers();
  }

  /** A lock by key among the threads of this store, and among all that share the root. */
  public <K> KeyedLock<K> newLock(ClaimKind kind, Function<? super K, String> key) {
    Participant shared = participant;
    return shared == null
        ? new KeyedLock<>()
        : new KeyedLock<>(
            (k, isInterruptible, waiting) ->
                isInterruptible
                    ? shared.lockInterruptibly(kind, key.apply(k), waiting)
                    : shared.lock(kind, key.apply(k)));
  }

  /**
   * Fails unless the root still is the one that was opened, and others can tell that this store has
   * it.
   */
  public void requireInPlace() throws LayerStoreException {
    if (use != null) {
      use.requireInPlace();
    }
  }

  /** Adds something that is to be brought up to date with the layers. */
  public void follow(Follower follower) {
    followers.add(follower);
  }

  List<Follower> followers() {
    return followers;
  }

  Object looking() {
    return looking;
  }

  Set<ChainId> deleting() {
    return deleting;
  }

  /** Takes note of layers that could not be loaded when the root was opened. */
  void noteUnusable(Set<ChainId> layers) {
    unusable.addAll(layers);
  }

  /**
   * Whether a layer that was not there at the last look was made by another store while this one
   * was open, and not by whoever had the root before.
   */
  boolean isMadeMeanwhile(ChainId chainId) {
    return participant != null && !unusable.contains(chainId);
  }

  /** Says that something can be seen that was not there before. */
  public void published() {
    if (participant != null) {
      participant.announcePublication();
    }
  }

  /**
   * Says that images or their names are about to change; the caller has the lock for that. Where
   * another store died at that, what it has done is looked at first.
   */
  public void beginImageChange() throws LayerStoreException {
    if (participant != null && participant.beginImageChange()) {
      synchronized (looking) {
        for (Follower follower : followers) {
          follower.follow();
        }
      }
    }
  }

  /** Says that images or their names have changed. */
  public void imagesChanged() {
    if (participant != null) {
      participant.announceImageChange();
    }
  }

  /** Says that the files or the record of a layer are others now. */
  public void replaced() {
    if (participant != null) {
      participant.announceReplacement();
      participant.announcePublication();
    }
  }

  /** What the board said at one moment. */
  record Counts(long members, long publications, long deletions, long imageChanges) {

    static final Counts NONE = new Counts(-1, -1, -1, -1);

    static Counts of(Participant participant) {
      return new Counts(
          participant.members(),
          participant.publications(),
          participant.deletions(),
          participant.imageChanges());
    }

    Counts withoutMembers() {
      return new Counts(NONE.members, publications, deletions, imageChanges);
    }

    boolean hasSameLayers(Counts other) {
      return publications == other.publications && deletions == other.deletions;
    }
  }

  Counts seen() {
    return seen;
  }

  /**
   * Called before a store looks at the disk for the first time: what others announce from now on is
   * followed, and nothing that it finds by itself. Who is there stays unknown, so that one who
   * announces something and dies is not taken for nobody.
   */
  void beginLooking() {
    if (participant != null) {
      seen = Counts.of(participant).withoutMembers();
    }
  }

  void setSeen(Counts counts) {
    seen = counts;
  }

  /**
   * Of the metadata, when all of it was looked at and nothing was wrong; for a store that reads.
   */
  OptionalLong stateSeen() {
    return stateSeen;
  }

  void setStateSeen(OptionalLong seen) {
    stateSeen = seen;
  }

  long replacementsSeen() {
    return replacements;
  }

  void setReplacementsSeen(long seen) {
    replacements = seen;
  }

  /** What others hold of one kind, in words, by key. */
  public Map<String, List<String>> holders(ClaimKind kind) {
    Map<String, List<String>> holders = new ConcurrentHashMap<>();
    if (participant != null) {
      participant
          .claimsElsewhere(kind)
          .forEach(
              (key, users) -> holders.put(key, users.stream().map(StoreUser::describe).toList()));
    }
    return holders;
  }

  /** Who else holds one thing, in words; empty if nobody does. */
  public List<String> holders(ClaimKind kind, String key) {
    List<String> holders = new ArrayList<>();
    StoreUser user = participant == null ? null : participant.holder(kind, key);
    if (user != null) {
      holders.add(user.describe());
    }
    return holders;
  }

  /** All users of the root that can be told. */
  public List<StoreUser> users() throws LayerStoreException {
    return use == null ? Participant.usersOf(root, DataRoot.SHARING) : use.users();
  }

  /** What is done while nobody joins. */
  @FunctionalInterface
  public interface Sweep {
    /** Sweeps; {@code isAlone} says whether there is no other store. */
    void run(boolean isAlone) throws LayerStoreException;
  }

  /** Keeps others from joining while {@code sweep} runs, which is not to take long. */
  public void withDoorClosed(Sweep sweep) throws LayerStoreException {
    if (participant == null) {
      sweep.run(true);
      return;
    }
    Runnable door = participant.closeDoor();
    try {
      sweep.run(!participant.hasOthers());
    } finally {
      door.run();
    }
  }
}
