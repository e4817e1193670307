package io.layerstore.core.share;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The leases of a root on a file system that lives in this JVM alone, such as one in memory: its
 * stores can only be reached through the same classes.
 */
final class MemoryLeaseStore implements LeaseStore {

  private static final Map<Object, Shared> PLACES = new ConcurrentHashMap<>();

  private final Shared shared;

  /** What the stores on one root share; kept as long as any of them is open. */
  private static final class Shared {
    final SharedMemory board = new Pieces();
    final Map<String, SharedMemory> published = new ConcurrentHashMap<>();
    final Map<String, SharedMemory> created = new ConcurrentHashMap<>();
  }

  private static final class Pieces implements SharedMemory {
    private final List<ByteBuffer> pieces = new ArrayList<>();

    @Override
    public synchronized ByteBuffer piece(int index) {
      while (pieces.size() <= index) {
        pieces.add(ByteBuffer.allocateDirect(PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN));
      }
      return pieces.get(index);
    }
  }

  private final Object key;

  MemoryLeaseStore(Path root, Object identity) {
    this.key = List.of(root.getFileSystem(), identity);
    this.shared = PLACES.computeIfAbsent(key, k -> new Shared());
  }

  @Override
  public SharedMemory board() {
    return shared.board;
  }

  @Override
  public SharedMemory create(String id) {
    SharedMemory memory = new Pieces();
    shared.created.put(id, memory);
    return memory;
  }

  @Override
  public void publish(String id) {
    shared.published.put(id, open(shared.created, id));
  }

  @Override
  public void withdraw(String id) {
    shared.created.remove(id);
    shared.published.remove(id);
  }

  @Override
  public List<String> ids() {
    return List.copyOf(shared.published.keySet());
  }

  @Override
  public SharedMemory open(String id) {
    return open(shared.published, id);
  }

  private static SharedMemory open(Map<String, SharedMemory> leases, String id) {
    SharedMemory memory = leases.get(id);
    if (memory == null) {
      throw new NoSuchElementException(id);
    }
    return memory;
  }

  @Override
  public boolean isAlive(String id) {
    return shared.created.containsKey(id);
  }

  @Override
  public void remove(String id) {
    shared.published.remove(id);
  }

  @Override
  public void free() {
    // Goes with the objects.
  }

  @Override
  public void requireInPlace() {
    // Nobody else is there who could move anything.
  }
}
