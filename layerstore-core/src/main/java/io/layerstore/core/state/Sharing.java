package io.layerstore.core.state;

import io.layerstore.ChainId;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreUser;
import io.layerstore.core.share.Kind;
import io.layerstore.core.share.Party;
import io.layerstore.driver.KeyedLock;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
  private final @Nullable Party party;

  /** Guards the looks at the disk; never held while waiting for others. */
  private final Object looking = new Object();

  private final List<Follower> followers = new CopyOnWriteArrayList<>();

  /** Layers that this store is about to hide. */
  private final Set<ChainId> deleting = ConcurrentHashMap.newKeySet();

  private volatile Counts seen = Counts.NONE;
  private volatile long replacements;

  /**
   * @param use the right to write; null for a store that only reads
   */
  public Sharing(Path root, @Nullable RootUse use) {
    this.root = root;
    this.use = use;
    Party found = use == null ? null : use.party();
    this.party = found == null || found.isExclusive() ? null : found;
    this.replacements = party == null ? 0 : party.replacements();
  }

  /** The party; null for a store that is alone or only reads. */
  public @Nullable Party party() {
    return party;
  }

  public boolean isShared() {
    return party != null;
  }

  /** Whether no other store had the root open when this one was opened. */
  public boolean isFirst() {
    return use == null || use.isFirst();
  }

  /** Marks something as held until {@link #clear}; returns what to clear it by. */
  public int mark(Kind kind, String key) {
    return party == null ? -1 : party.mark(kind, key);
  }

  public void clear(int mark) {
    if (party != null) {
      party.clear(mark);
    }
  }

  /** Whether another store has the root open now. */
  public boolean hasOthers() {
    return party != null && party.hasOthers();
  }

  /** A lock by key among the threads of this store, and among all that share the root. */
  public <K> KeyedLock<K> newLock(Kind kind, Function<? super K, String> key) {
    Party shared = party;
    return shared == null
        ? new KeyedLock<>()
        : new KeyedLock<>(
            (k, isInterruptible) ->
                isInterruptible
                    ? shared.lockInterruptibly(kind, key.apply(k))
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

  /** Says that something can be seen that was not there before. */
  public void published() {
    if (party != null) {
      party.announcePublication();
    }
  }

  /**
   * Says that images or their names are about to change; the caller has the lock for that. Where
   * another store died at that, what it has done is looked at first.
   */
  public void beginImageChange() throws LayerStoreException {
    if (party != null && party.beginImageChange()) {
      synchronized (looking) {
        for (Follower follower : followers) {
          follower.follow();
        }
      }
    }
  }

  /** Says that images or their names have changed. */
  public void imagesChanged() {
    if (party != null) {
      party.announceImageChange();
    }
  }

  /** Says that the files or the record of a layer are others now. */
  public void replaced() {
    if (party != null) {
      party.announceReplacement();
      party.announcePublication();
    }
  }

  /** What the board said at one moment. */
  record Counts(long members, long publications, long deletions, long imageChanges) {

    static final Counts NONE = new Counts(-1, -1, -1, -1);

    static Counts of(Party party) {
      return new Counts(
          party.members(), party.publications(), party.deletions(), party.imageChanges());
    }

    boolean hasSameLayers(Counts other) {
      return publications == other.publications && deletions == other.deletions;
    }
  }

  Counts seen() {
    return seen;
  }

  void setSeen(Counts counts) {
    seen = counts;
  }

  long replacementsSeen() {
    return replacements;
  }

  void setReplacementsSeen(long seen) {
    replacements = seen;
  }

  /** What others hold of one kind, in words, by key. */
  public Map<String, List<String>> holders(Kind kind) {
    Map<String, List<String>> holders = new ConcurrentHashMap<>();
    if (party != null) {
      party
          .marksElsewhere(kind)
          .forEach(
              (key, users) -> holders.put(key, users.stream().map(StoreUser::describe).toList()));
    }
    return holders;
  }

  /** Who else holds one thing, in words; empty if nobody does. */
  public List<String> holders(Kind kind, String key) {
    List<String> holders = new ArrayList<>();
    StoreUser user = party == null ? null : party.holder(kind, key);
    if (user != null) {
      holders.add(user.describe());
    }
    return holders;
  }

  /** All users of the root that can be told. */
  public List<StoreUser> users() throws LayerStoreException {
    return use == null ? Party.usersOf(root, DataRoot.SHARING) : use.users();
  }

  /** Does something that is to be done only while nobody else has the root; false if it was not. */
  public boolean whileAlone(Follower work) throws LayerStoreException {
    if (party == null) {
      work.follow();
      return true;
    }
    Runnable door = party.closeDoor();
    try {
      if (party.hasOthers()) {
        return false;
      }
      work.follow();
      return true;
    } finally {
      door.run();
    }
  }
}
