package example;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.spi.ProbeResult;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ServiceLoader;

/** A driver called {@code mine}, which leaves the work to {@code vfs}. */
public final class MyDriverProvider implements GraphDriverProvider {
  private final GraphDriverProvider vfs =
      ServiceLoader.load(GraphDriverProvider.class).stream()
          .filter(provider -> !provider.type().equals(MyDriverProvider.class))
          .map(ServiceLoader.Provider::get)
          .filter(provider -> provider.name().equals("vfs"))
          .findFirst()
          .orElseThrow();

  @Override
  public String name() {
    return "mine";
  }

  @Override
  public ProbeResult probe(DriverContext context) {
    return vfs.probe(context);
  }

  @Override
  public GraphDriver open(DriverContext context) throws LayerStoreException {
    GraphDriver driver = vfs.open(context);
    return (GraphDriver)
        Proxy.newProxyInstance(
            GraphDriver.class.getClassLoader(),
            new Class<?>[] {GraphDriver.class},
            (proxy, method, arguments) -> {
              try {
                return method.getName().equals("name") ? name() : method.invoke(driver, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
