package io.layerstore.core.share;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Unmaps memory at once, for which Java has nothing public before 22. Where the JDK does not let
 * it, the garbage collector does it some time.
 */
final class Unmapping {

  private static final Logger log = LoggerFactory.getLogger(Unmapping.class);

  private static final @Nullable MethodHandle CLEANER = find();

  private Unmapping() {}

  private static @Nullable MethodHandle find() {
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

  /** Unmaps a buffer that was mapped, and no view of one; nobody may touch it any more. */
  static void of(ByteBuffer mapped) {
    MethodHandle cleaner = CLEANER;
    if (cleaner != null) {
      try {
        cleaner.invoke(mapped);
      } catch (Throwable e) {
        log.debug("cannot unmap", e);
      }
    }
  }
}
