package io.layerstore.core;

import io.layerstore.spi.GraphDriverProvider;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;

/**
 * The graph drivers on the class path and module path.
 *
 * @param providers those that the thread's context class loader sees, then those that this class's
 *     own loader sees
 * @param broken what kept a provider from being loaded, by its class or under a placeholder where
 *     that is not known
 */
record DriverProviders(List<GraphDriverProvider> providers, Map<String, String> broken) {

  DriverProviders {
    providers = List.copyOf(providers);
    broken = Map.copyOf(broken);
  }

  static DriverProviders load() {
    List<GraphDriverProvider> providers = new ArrayList<>();
    Map<String, String> broken = new TreeMap<>();
    collect(ServiceLoader.load(GraphDriverProvider.class), providers, broken);
    collect(
        ServiceLoader.load(GraphDriverProvider.class, DriverProviders.class.getClassLoader()),
        providers,
        broken);
    return new DriverProviders(providers, broken);
  }

  /**
   * One provider that cannot be loaded, such as one for a newer Java, does not stand in the way of
   * the others.
   */
  private static void collect(
      ServiceLoader<GraphDriverProvider> loader,
      List<GraphDriverProvider> providers,
      Map<String, String> broken) {
    Iterator<ServiceLoader.Provider<GraphDriverProvider>> found = loader.stream().iterator();
    boolean hasMore = true;
    while (hasMore) {
      String name = "unknown provider";
      try {
        hasMore = found.hasNext();
        if (hasMore) {
          ServiceLoader.Provider<GraphDriverProvider> provider = found.next();
          name = provider.type().getName();
          providers.add(provider.get());
        }
      } catch (ServiceConfigurationError e) {
        broken.put(name, String.valueOf(e.getMessage()));
      }
    }
  }
}
