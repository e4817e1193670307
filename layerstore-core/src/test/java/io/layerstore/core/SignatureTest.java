package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.LayerStore;
import java.io.IOException;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Compares the exported packages with the signature file that is checked in beside each module, so
 * that a change of what others compile against is a line in a diff.
 *
 * <p>Not with the tools that compare jars: they need a release to compare with, and there is none;
 * and they say what broke, but not what was added.
 */
final class SignatureTest {

  /** Set, the files are written anew. CONTRIBUTING has the command. */
  private static final String UPDATE = "layerstore.updateSignatures";

  private static final Path TOP = Path.of("").toAbsolutePath().getParent();

  @ParameterizedTest
  @CsvSource({
    "layerstore-api, io.layerstore",
    "layerstore-api, io.layerstore.spi",
    "layerstore-core, io.layerstore.core",
    "layerstore-core, io.layerstore.driver"
  })
  void exportedPackage_signatures_areThoseCheckedIn(String module, String name) throws Exception {
    Class<?> inModule =
        module.equals("layerstore-api") ? LayerStore.class : DefaultLayerStoreProvider.class;
    Path file = TOP.resolve(module).resolve("signatures").resolve(name + ".txt");
    String actual =
        publicTypes(inModule, name).stream()
                .map(SignatureTest::describe)
                .collect(Collectors.joining("\n\n"))
            + "\n";

    if (Boolean.getBoolean(UPDATE)) {
      Files.createDirectories(file.getParent());
      Files.writeString(file, actual);
    }

    assertEquals(
        Files.readString(file),
        actual,
        "what " + name + " exports has changed; if that is meant: mvn -D" + UPDATE + "=true …");
  }

  /** The public types of a package as the module has them, without those of its tests. */
  private static List<Class<?>> publicTypes(Class<?> inModule, String name)
      throws IOException, URISyntaxException, ReflectiveOperationException {
    URI place = inModule.getProtectionDomain().getCodeSource().getLocation().toURI();
    Path path = Path.of(place);
    if (Files.isDirectory(path)) {
      return publicTypes(path.resolve(name.replace('.', '/')), inModule, name);
    }
    try (FileSystem jar = FileSystems.newFileSystem(path)) {
      return publicTypes(jar.getPath(name.replace('.', '/')), inModule, name);
    }
  }

  private static List<Class<?>> publicTypes(Path directory, Class<?> inModule, String name)
      throws IOException, ReflectiveOperationException {
    List<Class<?>> types = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (String file : files.map(entry -> entry.getFileName().toString()).sorted().toList()) {
        if (file.endsWith(".class") && !file.endsWith("-info.class")) {
          Class<?> type =
              Class.forName(
                  name + "." + file.substring(0, file.length() - ".class".length()),
                  false,
                  inModule.getClassLoader());
          if (isVisible(type)) {
            types.add(type);
          }
        }
      }
    }
    return types;
  }

  private static boolean isVisible(Class<?> type) {
    Class<?> outer = type.getEnclosingClass();
    return !type.isAnonymousClass()
        && !type.isLocalClass()
        && isVisible(type.getModifiers())
        && (outer == null || isVisible(outer));
  }

  private static boolean isVisible(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }

  private static String describe(Class<?> type) {
    List<String> members = new ArrayList<>();
    for (Field field : type.getDeclaredFields()) {
      if (isVisible(field.getModifiers()) && !field.isSynthetic()) {
        members.add(
            field.isEnumConstant()
                ? field.getName()
                : Modifier.toString(field.getModifiers())
                    + " "
                    + text(field.getAnnotatedType())
                    + " "
                    + field.getName());
      }
    }
    for (Constructor<?> constructor : type.getDeclaredConstructors()) {
      if (isVisible(constructor.getModifiers()) && !constructor.isSynthetic()) {
        members.add(describe(constructor, type.getSimpleName()));
      }
    }
    for (Method method : type.getDeclaredMethods()) {
      if (isVisible(method.getModifiers()) && !method.isSynthetic() && !isOfEveryType(method)) {
        members.add(
            describe(method, text(method.getAnnotatedReturnType()) + " " + method.getName()));
      }
    }
    Collections.sort(members);
    return Stream.concat(Stream.of(header(type)), members.stream().map(member -> "  " + member))
        .collect(Collectors.joining("\n"));
  }

  private static boolean isOfEveryType(Method method) {
    return Set.of("equals", "hashCode", "toString").contains(method.getName())
        || (method.getDeclaringClass().isEnum()
            && Set.of("values", "valueOf").contains(method.getName()));
  }

  private static String header(Class<?> type) {
    StringBuilder header = new StringBuilder();
    int modifiers = type.getModifiers() & ~(Modifier.INTERFACE | Modifier.STATIC);
    if (type.isInterface()) {
      modifiers &= ~Modifier.ABSTRACT;
    }
    header.append(Modifier.toString(modifiers)).append(' ');
    if (type.isSealed()) {
      header.append("sealed ");
    }
    header.append(
        type.isRecord()
            ? "record "
            : type.isEnum() ? "enum " : type.isInterface() ? "interface " : "class ");
    header.append(type.getName().replace('$', '.')).append(variables(type.getTypeParameters()));
    if (type.isRecord()) {
      header.append(
          Arrays.stream(type.getRecordComponents())
              .map(SignatureTest::text)
              .collect(Collectors.joining(", ", "(", ")")));
    }
    if (!type.isInterface() && !type.isRecord() && !type.isEnum()) {
      if (type.getSuperclass() != Object.class) {
        header.append(" extends ").append(text(type.getGenericSuperclass()));
      }
    }
    if (type.getInterfaces().length > 0) {
      header.append(type.isInterface() ? " extends " : " implements ");
      header.append(
          Arrays.stream(type.getGenericInterfaces())
              .map(SignatureTest::text)
              .collect(Collectors.joining(", ")));
    }
    return header.toString();
  }

  private static String describe(Executable executable, String name) {
    int modifiers =
        executable.getModifiers()
            & ~(Modifier.TRANSIENT | Modifier.VOLATILE | Modifier.SYNCHRONIZED);
    String visible =
        executable instanceof Method method && method.isDefault()
            ? "public default"
            : Modifier.toString(modifiers);
    return visible
        + " "
        + variables(executable.getTypeParameters())
        + name
        + Arrays.stream(executable.getParameters())
            .map(Parameter::getAnnotatedType)
            .map(SignatureTest::text)
            .collect(Collectors.joining(", ", "(", ")"))
        + (executable.getExceptionTypes().length == 0
            ? ""
            : Arrays.stream(executable.getGenericExceptionTypes())
                .map(SignatureTest::text)
                .collect(Collectors.joining(", ", " throws ", "")));
  }

  private static String variables(TypeVariable<?>[] variables) {
    return variables.length == 0
        ? ""
        : Arrays.stream(variables)
            .map(
                variable ->
                    variable.getName()
                        + Arrays.stream(variable.getBounds())
                            .filter(bound -> bound != Object.class)
                            .map(bound -> " extends " + text(bound))
                            .collect(Collectors.joining()))
            .collect(Collectors.joining(", ", "<", "> "));
  }

  private static String text(RecordComponent component) {
    return text(component.getAnnotatedType()) + " " + component.getName();
  }

  private static String text(AnnotatedType type) {
    return (type.isAnnotationPresent(Nullable.class) ? "@Nullable " : "") + text(type.getType());
  }

  /** Names without their packages: in a diff they are read, not compiled. */
  private static String text(Type type) {
    return type.getTypeName().replaceAll("([a-z]\\w*\\.)+(?=[A-Z])", "").replace('$', '.');
  }
}
