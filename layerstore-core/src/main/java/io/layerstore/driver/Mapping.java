package io.layerstore.driver;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodHandles.Lookup;
import java.lang.invoke.MethodType;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A part of a file that is mapped into memory, and can be unmapped at once. Java has an {@code
 * Arena} for that from 22 on, which is looked up here as long as the library runs on 17; before
 * there is only {@code sun.misc.Unsafe}, of which later JDKs warn. With neither, the garbage
 * collector unmaps.
 */
public final class Mapping {

  private static final Logger log = LoggerFactory.getLogger(Mapping.class);

  private static final @Nullable Arenas ARENAS = Arenas.find();
  private static final @Nullable MethodHandle CLEANER = ARENAS == null ? findCleaner() : null;

  private final WeakReference<ByteBuffer> memory;
  private final @Nullable AutoCloseable arena;

  private Mapping(ByteBuffer memory, @Nullable AutoCloseable arena) {
    this.memory = new WeakReference<>(memory);
    this.arena = arena;
  }

  /** A mapping, and the memory, which holds numbers in little-endian order. */
  public record Made(Mapping mapping, ByteBuffer memory) {}

  /** Maps {@code bytes} from {@code position} on; the channel may be closed afterwards. */
  public static Made map(FileChannel channel, MapMode mode, long position, int bytes)
      throws IOException {
    Arenas arenas = ARENAS;
    @Nullable AutoCloseable arena = arenas == null ? null : arenas.make();
    ByteBuffer memory =
        arenas == null || arena == null
            ? channel.map(mode, position, bytes)
            : arenas.map(channel, mode, position, bytes, arena);
    memory.order(ByteOrder.LITTLE_ENDIAN);
    return new Made(new Mapping(memory, arena), memory);
  }

  /** Whether nobody can use the memory any more, for which reason it is unmapped by now. */
  public boolean isForgotten() {
    if (memory.get() != null) {
      return false;
    }
    closeArena();
    return true;
  }

  /** Unmaps the memory; nobody may touch it any more, nor a view of it. */
  public void unmap() {
    @Nullable ByteBuffer mapped = memory.get();
    MethodHandle cleaner = CLEANER;
    if (mapped != null && cleaner != null) {
      try {
        cleaner.invoke(mapped);
      } catch (Throwable e) {
        log.debug("cannot unmap", e);
      }
    }
    closeArena();
  }

  private void closeArena() {
    if (arena != null) {
      try {
        arena.close();
      } catch (Exception e) {
        log.debug("cannot unmap", e);
      }
    }
  }

  private static @Nullable MethodHandle findCleaner() {
    try {
      Class<?> type = Class.forName("sun.misc.Unsafe");
      var field = type.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      return MethodHandles.lookup()
          .findVirtual(type, "invokeCleaner", MethodType.methodType(void.class, ByteBuffer.class))
          .bindTo(field.get(null));
    } catch (ReflectiveOperationException | RuntimeException e) {
      log.debug("memory is unmapped by the garbage collector", e);
      return null;
    }
  }

  /** What is needed of {@code java.lang.foreign}. */
  private record Arenas(MethodHandle ofShared, MethodHandle map, MethodHandle asByteBuffer) {

    /** Null before Java 22: what 19 to 21 have is a preview, or has other methods. */
    static @Nullable Arenas find() {
      if (Runtime.version().feature() < 22) {
        return null;
      }
      try {
        Lookup lookup = MethodHandles.publicLookup();
        Class<?> arena = Class.forName("java.lang.foreign.Arena");
        Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
        return new Arenas(
            lookup.findStatic(arena, "ofShared", MethodType.methodType(arena)),
            lookup.findVirtual(
                FileChannel.class,
                "map",
                MethodType.methodType(segment, MapMode.class, long.class, long.class, arena)),
            lookup.findVirtual(segment, "asByteBuffer", MethodType.methodType(ByteBuffer.class)));
      } catch (ReflectiveOperationException e) {
        throw new LinkageError("Java 22 and later have java.lang.foreign", e);
      }
    }

    AutoCloseable make() throws IOException {
      try {
        return (AutoCloseable) ofShared.invoke();
      } catch (Throwable e) {
        throw thrown(e);
      }
    }

    ByteBuffer map(
        FileChannel channel, MapMode mode, long position, long bytes, AutoCloseable arena)
        throws IOException {
      try {
        return (ByteBuffer) asByteBuffer.invoke(map.invoke(channel, mode, position, bytes, arena));
      } catch (Throwable e) {
        try (arena) {
          throw thrown(e);
        } catch (Exception other) {
          throw thrown(other);
        }
      }
    }

    private static IOException thrown(Throwable e) {
      if (e instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      if (e instanceof Error error) {
        throw error;
      }
      return e instanceof IOException failure ? failure : new IOException(e);
    }
  }
}
