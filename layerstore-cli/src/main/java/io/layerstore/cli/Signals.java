package io.layerstore.cli;

import java.lang.reflect.Proxy;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Catches signals until {@link #restore}.
 *
 * <p>The JDK has no supported interface for this. {@code sun.misc.Signal} of module {@code
 * jdk.unsupported} is reached by reflection, because javac warns of it in a way that cannot be
 * suppressed. Where it is missing, signals keep their usual effect.
 */
final class Signals {
  private static final List<String> NAMES = List.of("INT", "TERM", "HUP");

  private final Runnable restoration;

  private Signals(Runnable restoration) {
    this.restoration = restoration;
  }

  /** What to do about a signal. */
  @FunctionalInterface
  interface Handler {
    /** Called on a thread of its own with the signal's name, such as {@code INT}. */
    void on(String name);
  }

  /** Lets {@code handler} decide what {@code INT}, {@code TERM} and {@code HUP} do. */
  static Signals handle(Handler handler) {
    Signals signals = new Signals(() -> {});
    for (String name : NAMES) {
      signals = signals.and(name, handler);
    }
    return signals;
  }

  private Signals and(String name, Handler handler) {
    try {
      Class<?> signalType = Class.forName("sun.misc.Signal");
      Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
      Object signal = signalType.getConstructor(String.class).newInstance(name);
      Object proxy =
          Proxy.newProxyInstance(
              Signals.class.getClassLoader(),
              new Class<?>[] {handlerType},
              (self, method, args) -> dispatch(self, method.getName(), args, name, handler));
      var handle = signalType.getMethod("handle", signalType, handlerType);
      Object previous = handle.invoke(null, signal, proxy);
      return new Signals(
          () -> {
            try {
              handle.invoke(null, signal, previous);
            } catch (ReflectiveOperationException e) {
              throw new IllegalStateException("cannot restore signal " + name, e);
            }
            restoration.run();
          });
    } catch (ReflectiveOperationException | IllegalArgumentException e) {
      // No such class in this run-time image, or no such signal on this system.
      return this;
    }
  }

  private static @Nullable Object dispatch(
      Object self, String method, Object[] args, String name, Handler handler) {
    return switch (method) {
      case "equals" -> self == args[0];
      case "hashCode" -> System.identityHashCode(self);
      case "toString" -> "handler of " + name;
      default -> {
        handler.on(name);
        yield null;
      }
    };
  }

  /** Gives the signals back the effect they had. */
  void restore() {
    restoration.run();
  }
}
