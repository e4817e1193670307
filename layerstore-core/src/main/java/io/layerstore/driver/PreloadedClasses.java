package io.layerstore.driver;

/**
 * Loads the classes that failures and cleaning up after them need, before there are any.
 *
 * <p>Loading a class may take a descriptor. In a process that has none left it fails, in the middle
 * of taking something back, and what remains then is told by an error that says nothing of files.
 */
public final class PreloadedClasses {

  private PreloadedClasses() {}

  /** Initialises {@code type}, and loads those inside it. */
  public static void load(Class<?> type) {
    try {
      Class.forName(type.getName(), true, type.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new NoClassDefFoundError(type.getName());
    }
    for (Class<?> inner : type.getDeclaredClasses()) {
      load(inner);
    }
  }
}
