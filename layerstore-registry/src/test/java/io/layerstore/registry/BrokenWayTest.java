package io.layerstore.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Durability;
import io.layerstore.ImageReference;
import io.layerstore.ImportOptions;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.PullOptions;
import io.layerstore.PushOptions;
import io.layerstore.RegistryException;
import io.layerstore.RegistryOptions;
import io.layerstore.testing.DockerRegistry;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Docker's registry at the end of a way that breaks. */
final class BrokenWayTest {

  private static final int LAYER_BYTES = 3 << 20;
  private static final int BREAK_AT = 2 << 20;

  /** What may come twice. */
  private static final int LITTLE = 1 << 20;

  @TempDir private Path directory;
  private DockerRegistry registry;
  private Way way;
  private LayerStore store;
  private String id;

  @BeforeEach
  void start() throws Exception {
    registry = DockerRegistry.start(Files.createDirectory(directory.resolve("registry")));
    way = new Way(Integer.parseInt(registry.address().replaceFirst(".*:", "")));
    store = open("store");
    byte[] content = new byte[LAYER_BYTES];
    new Random(1).nextBytes(content);
    id =
        store
            .images()
            .importRootFs(
                LayerSource.of(
                    new TarBuilder().file(TarHeaderBlock.named("random"), content).end().toBytes()),
                ImportOptions.builder().reference(ImageReference.parse("mine:1")).build())
            .id()
            .toString();
  }

  @AfterEach
  void end() throws Exception {
    store.close();
    way.close();
    registry.close();
  }

  private LayerStore open(String name) throws IOException {
    return LayerStore.builder(directory.resolve(name))
        .driver("vfs")
        .durability(Durability.NONE)
        .open();
  }

  private static RegistryOptions options(int retries) {
    return RegistryOptions.builder()
        .environment(Map.of())
        .systemDirectory(Path.of("/nonexistent"))
        .retries(retries)
        .retryDelay(Duration.ofMillis(10))
        .build();
  }

  private static ImageReference image(String address) {
    return ImageReference.parse(address + "/some/image:1");
  }

  private void push(String address) throws IOException {
    PushOptions options = PushOptions.builder().registry(options(5)).build();
    store.images().push("mine:1", image(address), options);
  }

  private String pull(String name, String address, int retries) throws IOException {
    try (LayerStore other = open(name)) {
      PullOptions options = PullOptions.builder().registry(options(retries)).build();
      return other.images().pull(image(address), options).images().get(0).id().toString();
    }
  }

  @Test
  void pull_afterOneThatBroke_fetchesTheRest() throws Exception {
    push(registry.address());
    way.down.breakAfter(BREAK_AT);
    assertThrows(RegistryException.class, () -> pull("other", way.address(), 0));
    long before = way.down.passed.get();

    assertEquals(id, pull("other", way.address(), 0));

    long rest = way.down.passed.get() - before;
    assertTrue(rest <= LAYER_BYTES - BREAK_AT + LITTLE, () -> rest + " bytes came");
  }

  /** This registry gives up an upload that breaks in the middle of a request. */
  @Test
  void push_thatBreaks_beginsAnew() throws Exception {
    way.up.breakAfter(BREAK_AT);

    push(way.address());

    assertTrue(way.up.hasBroken(), "nothing broke");
    assertEquals(id, pull("other", registry.address(), 0));
  }

  /** One direction of all connections. */
  private static final class Direction {
    private final AtomicLong passed = new AtomicLong();
    private final AtomicLong left = new AtomicLong(Long.MAX_VALUE);

    /** Has the connection break, once, when so many bytes more have passed. */
    void breakAfter(long bytes) {
      left.set(bytes);
    }

    boolean hasBroken() {
      return left.get() > Integer.MAX_VALUE;
    }

    /** Passes on what comes, until a side has gone or the way breaks. */
    void pass(InputStream in, OutputStream out) throws IOException {
      byte[] buffer = new byte[4096];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        out.write(buffer, 0, count);
        passed.addAndGet(count);
        if (left.addAndGet(-count) <= 0) {
          left.set(Long.MAX_VALUE);
          return;
        }
      }
    }
  }

  /** A way to a port of this machine. */
  private static final class Way implements AutoCloseable {
    private final Direction up = new Direction();
    private final Direction down = new Direction();
    private final int port;
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    Way(int port) throws IOException {
      this.port = port;
      daemon(this::accept);
    }

    String address() {
      return "127.0.0.1:" + server.getLocalPort();
    }

    private static void daemon(Runnable task) {
      Thread thread = new Thread(task, "way");
      thread.setDaemon(true);
      thread.start();
    }

    private void accept() {
      try {
        while (true) {
          Socket client = server.accept();
          Socket there = new Socket(InetAddress.getLoopbackAddress(), port);
          open.add(client);
          open.add(there);
          daemon(() -> pass(up, client, there));
          daemon(() -> pass(down, there, client));
        }
      } catch (IOException e) {
        return; // closed
      }
    }

    private void pass(Direction direction, Socket from, Socket to) {
      try (from;
          to) {
        direction.pass(from.getInputStream(), to.getOutputStream());
      } catch (IOException e) {
        return; // one of them has gone
      } finally {
        open.remove(from);
        open.remove(to);
      }
    }

    @Override
    public void close() throws IOException {
      server.close();
      for (Socket socket : open) {
        socket.close();
      }
    }
  }
}
