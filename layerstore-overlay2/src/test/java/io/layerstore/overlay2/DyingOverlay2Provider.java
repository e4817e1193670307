package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.HelperBinary;
import io.layerstore.overlay2.linux.LinuxCalls;
import io.layerstore.overlay2.linux.Mounts;
import io.layerstore.overlay2.linux.NativeLinuxCalls;
import io.layerstore.overlay2.linux.UserNamespace;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.spi.ProbeResult;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The overlay2 driver in a process that ends at once, as if killed, before or after it asks its
 * helper for a certain thing. Is on no list of services, see {@link FaultyOverlay2Provider#loader}.
 */
public final class DyingOverlay2Provider implements GraphDriverProvider {

  private static volatile String step = "";
  private static volatile boolean diesWithHelpers;

  /** Called by the service loader. */
  public DyingOverlay2Provider() {}

  /**
   * When to die.
   *
   * @param newStep such as {@code "before mount"} or {@code "after unmount"}
   * @param withHelpers whether the helpers are killed first
   */
  static void dieAt(String newStep, boolean withHelpers) {
    diesWithHelpers = withHelpers;
    step = newStep;
  }

  private static void pass(String now) {
    if (now.equals(step)) {
      if (diesWithHelpers) {
        Overlay2Testing.kill(ProcessHandle.current().descendants().toList());
      }
      Runtime.getRuntime().halt(0);
    }
  }

  private static <T> T proxy(Class<T> type, Object target) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> ask(target, method, arguments)));
  }

  private static @Nullable Object ask(
      Object target, Method method, @Nullable Object @Nullable [] arguments) throws Throwable {
    try {
      pass("before " + method.getName());
      Object result = method.invoke(target, arguments);
      pass("after " + method.getName());
      return result instanceof Mounts ? proxy(Mounts.class, result) : result;
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  @Override
  public String name() {
    return Overlay2DriverProvider.NAME;
  }

  @Override
  public ProbeResult probe(DriverContext context) {
    return new Overlay2DriverProvider().probe(context);
  }

  @Override
  public GraphDriver open(DriverContext context) throws LayerStoreException {
    Path root = context.root();
    boolean isRoot = Overlay2Testing.isRoot();
    LinuxCalls calls =
        new NativeLinuxCalls(
            HelperBinary.locate(root), isRoot ? UserNamespace.NONE : UserNamespace.OF_USER);
    OverlayFeatures features = new OverlayFeatures(calls.probe(root), isRoot);
    return Overlay2Driver.open(context, proxy(LinuxCalls.class, calls), features);
  }
}
