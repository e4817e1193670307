package io.layerstore.core.share;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.layerstore.LayerStoreException;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.FileFailures;
import io.layerstore.driver.Mapping;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The leases of a root on the disk, in a directory of their own:
 *
 * <pre>
 * board       counters
 * ID          a lease; .ID before it is complete
 * ID.alive    a socket that its owner listens at, and nobody ever accepts
 * </pre>
 *
 * <p>The kernel closes a socket with its process, however that ends, and a connection is refused
 * from then on. No descriptor that the process opens and closes has anything to do with it, and no
 * backup can open it: for file locks neither holds. A process that is stopped listens all the same.
 *
 * <p>Leases and board are mapped into memory, so all processes of one kernel see a write at once,
 * and closing files does not matter here either.
 */
final class FileLeaseStore implements LeaseStore {

  private static final Logger log = LoggerFactory.getLogger(FileLeaseStore.class);

  private static final Pattern ID = Pattern.compile("[0-9a-f]{16}");
  private static final String BOARD = "board";
  private static final String ALIVE = ".alive";
  private static final int BOARD_BYTES = 4096;

  /** The least that a file system has. */
  private static final int BLOCK_BYTES = 512;

  private final Path root;
  private final Path directory;
  private final Object rootKey;
  private final Object directoryKey;
  private final Map<String, ServerSocketChannel> lives = new ConcurrentHashMap<>();

  @GuardedBy("itself")
  private final List<Mapping> mappings = new ArrayList<>();

  /** Makes {@code directory} in {@code root} if it is not there. */
  FileLeaseStore(Path root, Path directory) throws IOException {
    this.root = root;
    this.directory = directory;
    try {
      Files.createDirectory(directory, attributes("rwx------"));
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(directory, NOFOLLOW_LINKS)) {
        throw new LayerStoreException(directory + " is not a directory; move it away", e);
      }
    }
    this.rootKey = keyOf(root);
    this.directoryKey = keyOf(directory);
  }

  private static Object keyOf(Path file) throws IOException {
    @Nullable Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    return key == null ? file.toRealPath() : key;
  }

  private FileAttribute<?>[] attributes(String mode) {
    return root.getFileSystem().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode))
        }
        : new FileAttribute<?>[0];
  }

  private ByteBuffer map(FileChannel channel, MapMode mode, long position, int bytes)
      throws IOException {
    Mapping.Made made = Mapping.map(channel, mode, position, bytes);
    synchronized (mappings) {
      mappings.removeIf(Mapping::isForgotten);
      mappings.add(made.mapping());
    }
    return made.memory();
  }

  /**
   * Memory that waits for the garbage collector would keep the file system from being unmounted.
   */
  @Override
  public void free() {
    synchronized (mappings) {
      mappings.forEach(Mapping::unmap);
      mappings.clear();
    }
  }

  private Path lease(String id) {
    return directory.resolve(id);
  }

  private Path unfinished(String id) {
    return directory.resolve("." + id);
  }

  private Path life(String id) {
    return directory.resolve(id + ALIVE);
  }

  @Override
  public SharedMemory board() throws IOException {
    return AtomicFiles.queryUninterrupted(
        () -> {
          try (FileChannel channel =
              FileChannel.open(
                  directory.resolve(BOARD),
                  Set.<OpenOption>of(CREATE, READ, WRITE, NOFOLLOW_LINKS),
                  attributes("rw-------"))) {
            if (channel.size() < BOARD_BYTES) {
              // So that there are blocks of every size for all of it: a mapped hole on a full disk
              // kills whoever writes to it. Others may do the same, and count already; these bytes
              // are zero for ever.
              for (int end = BLOCK_BYTES; end <= BOARD_BYTES; end += BLOCK_BYTES) {
                channel.write(ByteBuffer.allocate(1), end - 1);
              }
            }
            ByteBuffer board = map(channel, MapMode.READ_WRITE, 0, BOARD_BYTES);
            return index -> board;
          }
        });
  }

  @Override
  public SharedMemory create(String id) throws IOException {
    AtomicFiles.uninterrupted(() -> lives.put(id, listen(life(id))));
    return new Pieces(index -> grow(id, index));
  }

  @Override
  public void publish(String id) throws IOException {
    Files.move(unfinished(id), lease(id), StandardCopyOption.ATOMIC_MOVE);
  }

  @Override
  public void withdraw(String id) throws IOException {
    // The lease first: one without a life is a dead one's.
    Files.deleteIfExists(lease(id));
    Files.deleteIfExists(unfinished(id));
    @Nullable ServerSocketChannel life = lives.remove(id);
    if (life != null) {
      life.close();
    }
    Files.deleteIfExists(life(id));
  }

  /** Memory that is mapped piece by piece, as it is asked for. */
  private static final class Pieces implements SharedMemory {
    private final SharedMemory next;
    private final List<ByteBuffer> pieces = new ArrayList<>();

    /**
     * @param next maps a piece that is not mapped yet
     */
    Pieces(SharedMemory next) {
      this.next = next;
    }

    @Override
    public synchronized ByteBuffer piece(int index) throws IOException {
      while (pieces.size() <= index) {
        pieces.add(AtomicFiles.queryUninterrupted(() -> next.piece(pieces.size())));
      }
      return pieces.get(index);
    }
  }

  /** Adds a piece to a lease of this process. */
  private ByteBuffer grow(String id, int index) throws IOException {
    long position = (long) index * SharedMemory.PIECE_BYTES;
    try (FileChannel channel =
        FileChannel.open(
            index == 0 ? unfinished(id) : lease(id),
            index == 0
                ? Set.<OpenOption>of(CREATE, READ, WRITE, NOFOLLOW_LINKS)
                : Set.<OpenOption>of(READ, WRITE, NOFOLLOW_LINKS),
            attributes("rw-------"))) {
      // Written, not only made long: a mapped hole on a full disk kills whoever writes to it.
      ByteBuffer zeros = ByteBuffer.allocate(SharedMemory.PIECE_BYTES);
      while (zeros.hasRemaining()) {
        channel.write(zeros, position + zeros.position());
      }
      return map(channel, MapMode.READ_WRITE, position, SharedMemory.PIECE_BYTES);
    }
  }

  private ByteBuffer mapOfOther(String id, int index) throws IOException {
    long position = (long) index * SharedMemory.PIECE_BYTES;
    try (FileChannel channel =
        FileChannel.open(lease(id), Set.<OpenOption>of(READ, NOFOLLOW_LINKS))) {
      if (channel.size() < position + SharedMemory.PIECE_BYTES) {
        throw new IOException(lease(id) + " is too short");
      }
      return map(channel, MapMode.READ_ONLY, position, SharedMemory.PIECE_BYTES);
    }
  }

  @Override
  public List<String> ids() throws IOException {
    List<String> ids = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        if (ID.matcher(name).matches()) {
          ids.add(name);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return ids;
  }

  @Override
  public SharedMemory open(String id) throws IOException {
    SharedMemory memory = new Pieces(index -> mapOfOther(id, index));
    memory.piece(0);
    return memory;
  }

  private static ServerSocketChannel listen(Path socket) throws IOException {
    ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      ShortPath.of(socket, address -> channel.bind(UnixDomainSocketAddress.of(address), 1));
      return channel;
    } catch (IOException | RuntimeException e) {
      try (channel) {
        throw e;
      }
    }
  }

  @Override
  public boolean isAlive(String id) {
    if (lives.containsKey(id)) {
      return true;
    }
    try {
      return AtomicFiles.queryUninterrupted(() -> answers(life(id)));
    } catch (IOException e) {
      // Whatever else it is, it is no refusal: the owner may live.
      log.debug("cannot tell whether {} lives", life(id), e);
      return true;
    }
  }

  private static boolean answers(Path socket) throws IOException {
    if (!Files.exists(socket, NOFOLLOW_LINKS)) {
      return false;
    }
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      // A queue that is full, for nobody accepts, is an answer too.
      channel.configureBlocking(false);
      ShortPath.of(socket, address -> channel.connect(UnixDomainSocketAddress.of(address)));
      return true;
    } catch (ConnectException e) {
      return false;
    } catch (IOException e) {
      if (!Files.exists(socket, NOFOLLOW_LINKS)) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public void remove(String id) throws IOException {
    Files.deleteIfExists(lease(id));
    Files.deleteIfExists(life(id));
  }

  /** Deletes the directory if nobody has left a lease in it; the caller keeps others out. */
  void removeIfUnused() throws IOException {
    if (ids().isEmpty()) {
      Files.deleteIfExists(directory.resolve(BOARD));
      Files.deleteIfExists(directory);
    }
  }

  @Override
  public void requireInPlace() throws LayerStoreException {
    boolean isInPlace;
    try {
      isInPlace =
          AtomicFiles.queryUninterrupted(
              () ->
                  keyOf(root).equals(rootKey)
                      && keyOf(directory).equals(directoryKey)
                      && lives.keySet().stream().allMatch(this::isWhole)
                      && Files.size(directory.resolve(BOARD)) >= BOARD_BYTES);
    } catch (NoSuchFileException e) {
      isInPlace = false;
    } catch (IOException e) {
      throw new LayerStoreException(
          "cannot look at " + directory + ": " + FileFailures.describe(e), e);
    }
    if (!isInPlace) {
      throw new LayerStoreException(
          "the root "
              + root
              + " or the directory "
              + directory
              + " in it was moved, replaced or deleted while the store was open; nothing more is"
              + " written: close the store and open it again");
    }
  }

  private boolean isWhole(String id) {
    try {
      return Files.size(lease(id)) >= SharedMemory.PIECE_BYTES && Files.exists(life(id));
    } catch (IOException e) {
      return false;
    }
  }
}
